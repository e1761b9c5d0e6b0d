package plugin

import (
	"bytes"
	"encoding/json"
	"slices"
	"sync"

	"github.com/codex-archive/codex/sdk"
)

// secrets knows what must not leave a process, from the moment an archive is
// opened. The zero value hides nothing.
type secrets struct {
	mu   sync.Mutex
	urls []string // that hold secrets; replaced, never changed
}

// learn adds the secrets of o, as they are and as JSON writes them.
func (s *secrets) learn(o sdk.Options) {
	learned := []string{o.URL}
	if o.Password != "" {
		learned = append(learned, "password://user:"+o.Password+"@") // the shape in which Scrub knows one
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.urls = slices.Clone(s.urls)
	for _, u := range learned {
		if sdk.RedactURL(u) != u && !slices.Contains(s.urls, u) {
			s.urls = append(s.urls, u, asJSON(u, true), asJSON(u, false))
		}
	}
}

// scrub returns text without the secrets.
func (s *secrets) scrub(text string) string {
	s.mu.Lock()
	urls := s.urls
	s.mu.Unlock()
	return sdk.Scrub(text, urls...)
}

// asJSON returns text as it is between the quotes of a JSON string.
func asJSON(text string, html bool) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(html)
	if e.Encode(text) != nil {
		return ""
	}
	return string(bytes.Trim(b.Bytes(), "\"\n"))
}
