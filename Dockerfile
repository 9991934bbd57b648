# The image of the action: one static binary, nothing else of our own. action.yml builds it; by hand:
#
#     docker build -t tunegate --build-arg VERSION="$(git describe --tags --always)" --build-arg COMMIT="$(git rev-parse --short=12 HEAD)" .
#     docker run --rm -v "$PWD:/work" -w /work --entrypoint /tunegate tunegate version
FROM golang:1.26 AS build
WORKDIR /src
ENV CGO_ENABLED=0 GOFLAGS=-trimpath
COPY go.mod go.sum ./
COPY internal/tokens internal/tokens
# The vocabulary module embeds four vocabularies as text. The binary reads two of them, and reads them as compressed pairs, which
# take a fifth of the room. Their files keep the names that the module embeds.
RUN go build -o /pair ./internal/tokens/pair \
 && cp -r "$(go list -m -f '{{.Dir}}' github.com/pkoukk/tiktoken-go-loader)" /vocabularies \
 && cd /vocabularies/assets && rm p50k_base.tiktoken r50k_base.tiktoken \
 && for f in *.tiktoken; do /pair <"$f" >/pairs && gzip -9 </pairs >"$f" || exit 1; done \
 && cd /src && go mod edit -replace github.com/pkoukk/tiktoken-go-loader=/vocabularies
COPY cmd cmd
COPY internal internal
# What `tunegate version` says. GitHub builds an action's image without arguments, and from a download without .git: nothing
# here can tell which commit that is, so it says that it does not know. The log of the workflow's job names the commit.
ARG VERSION=
ARG COMMIT=unknown
# Everything is pulled before a step can start, so the binary is kept small, where nobody notices it:
# - HTTP/1.1 is enough for sixteen questions at once, and half a megabyte smaller.
# - Calls are inlined only in the packages named here, where the time of an audit, a gate and the local engine goes: 0.9 MB smaller.
# - Functions are not moved to addresses divisible by 32: 0.2 MB smaller.
RUN inlined="runtime/... internal/... bufio bytes compress/... encoding/base64 encoding/binary encoding/json hash/... math math/bits reflect slices sort strconv strings sync/... unicode/... \
        github.com/klauspost/... github.com/zeebo/... ./internal/tokens ./internal/unpack ./internal/dataset ./internal/audit ./internal/stats ./internal/bench ./internal/gate \
        ./internal/localtune/engine" \
 && flags=-gcflags=all=-l && for p in $inlined; do flags="$flags -gcflags=$p="; done \
 && go build -tags nethttpomithttp2 $flags -ldflags "-s -w -funcalign=1 -X main.release=$VERSION -X main.commit=$COMMIT" -o /tunegate ./cmd/tunegate \
 && mkdir -p /root-of-image/etc/ssl/certs && cp /etc/ssl/certs/ca-certificates.crt /root-of-image/etc/ssl/certs/ \
 && mkdir -m 1777 /root-of-image/tmp

FROM scratch
COPY --from=build /root-of-image/ /
# No USER: a container action must be root to write the runner's files. What it leaves in the workspace it hands over
# to the workspace's owner.
COPY --from=build /tunegate /tunegate
ENTRYPOINT ["/tunegate", "action"]
