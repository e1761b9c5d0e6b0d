package plugin

import (
	"bytes"
	"encoding/json"
	"sync/atomic"

	"github.com/codex-archive/codex/sdk"
)

// secrets knows what must not leave a process, from the moment an archive is
// opened. The zero value hides nothing.
type secrets struct{ urls atomic.Pointer[[]string] }

// learn adds the secrets of o, as they are and as JSON writes them.
func (s *secrets) learn(o sdk.Options) {
	urls := []string{o.URL}
	if o.Password != "" {
		urls = append(urls, "password://user:"+o.Password+"@") // the shape in which Scrub knows one
	}
	for _, u := range urls {
		urls = append(urls, asJSON(u, true), asJSON(u, false))
	}
	if had := s.urls.Load(); had != nil {
		urls = append(urls, *had...)
	}
	s.urls.Store(&urls)
}

// scrub returns text without the secrets.
func (s *secrets) scrub(text string) string {
	urls := s.urls.Load()
	if urls == nil {
		return text
	}
	return sdk.Scrub(text, *urls...)
}

// asJSON returns text as it stands between the quotes of a JSON string.
func asJSON(text string, html bool) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(html)
	if e.Encode(text) != nil {
		return ""
	}
	return string(bytes.Trim(b.Bytes(), "\"\n"))
}
