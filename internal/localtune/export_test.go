package localtune

import "time"

// BreakJournal makes every further change fail, as a full disk does.
func (s *Server) BreakJournal() { _ = s.store.journal.Close() }

// Age makes a file or an upload older than it is.
func (s *Server) Age(id string, by time.Duration) {
	_, _ = s.store.updateFile(id, func(f *fileRecord) error {
		if f.ID == "" {
			return notFound("File object", id)
		}
		f.Created, f.Expires = f.Created.Add(-by), f.Expires.Add(-by)
		return nil
	})
	_, _ = s.store.updateUpload(id, func(u *uploadRecord) error {
		if u.ID == "" {
			return notFound("Upload", id)
		}
		u.Created = u.Created.Add(-by)
		return nil
	})
}
