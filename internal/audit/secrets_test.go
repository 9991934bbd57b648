package audit

import "testing"

// TestNamedSecrets: a secret access key is one by its name, in the spellings of AWS and of the tools around it.
func TestNamedSecrets(t *testing.T) {
	secret := random(2, 40)
	value := func(text string, i int) string {
		if start, end, ok := awsKey(text, i); ok {
			return text[start:end]
		}
		return ""
	}
	found := func(text string) string {
		for i := range len(text) {
			switch text[i] {
			case 'K', 'S', '_', '-':
				if s := value(text, i); s != "" {
					return s
				}
			}
		}
		return ""
	}
	for _, before := range []string{
		"aws_secret_access_key = ", "AWS_SECRET_ACCESS_KEY=", "aws-secret-access-key: ", "AWS_SECRET_KEY='", `{"SecretAccessKey": "`, `{\"SecretAccessKey\": \"`, `{\\\"secretAccessKey\\\":\\\"`,
		"<SecretAccessKey>", "secretAccessKey: '", "awsSecretKey=", `secret_key = "`, "secret-key: ", "Secret access key: ", "Secret access key,", "my Secret Access Key is ", "spark.hadoop.fs.s3a.secret_key ", "TF_VAR_secret_key=",
	} {
		if got := found(before + secret); got != secret {
			t.Errorf("%s…: found %q", before, got)
		}
		if got := found(before + secret + "x"); got != "" {
			t.Errorf("%s…: found %q in a longer one", before, got)
		}
	}
	for _, text := range []string{
		"secret_key = da39a3ee5e6b4b0d3255bfef95601890afd80709", "SecretAccessKey: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "public_key=" + secret, "secretary_key_" + secret, "SecretAccessKey", "-key", "Key" + secret, "S", "K", "secret_key=changemechangemechangemechangemechangeme",
	} {
		if got := found(text); got != "" {
			t.Errorf("%s: found %q", text, got)
		}
	}
}
