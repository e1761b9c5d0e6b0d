package sdk

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// hidden takes the place of a secret.
const hidden = "***"

// secretOption matches the beginning of an option whose value is a secret, and
// the value: to the next "&" or the end, because a value that was not encoded may
// hold anything else. Compiling it would slow the start of every program.
var secretOption = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(?:^|[?&;\s])[a-z_.-]*(?:passw(?:or)?d|passphrase|passwd|pwd|pass|secret|token|credential|api[_-]?key|private[_-]?key)[a-z_.-]*=([^&]*)`)
})

// RedactURL returns url with every secret replaced by "***", whether or not it
// parses: all that is between "://user:" and the last "@", and the values
// of options that are named like passwords. When in doubt it hides more.
func RedactURL(url string) string {
	var b strings.Builder
	end := 0
	for _, s := range secretSpans(url) {
		if s.from > end || end == 0 {
			b.WriteString(url[end:s.from])
			b.WriteString(hidden)
		}
		end = max(end, s.to)
	}
	return b.String() + url[end:]
}

// Scrub returns text with the secrets of urls (whole, in parts, and decoded)
// replaced by "***". It is the last guard for messages of drivers and libraries.
// Secrets and parts of fewer than 4 bytes stay: they cannot be told from words.
func Scrub(text string, urls ...string) string {
	for _, secret := range secrets(urls) {
		text = strings.ReplaceAll(text, secret, hidden)
	}
	return text
}

// secrets returns what Scrub looks for, longest first, so that no part of a
// secret is replaced before the whole.
func secrets(urls []string) []string {
	var found []string
	add := func(s string) {
		if len(s) >= 4 && !slices.Contains(found, s) {
			found = append(found, s)
		}
	}
	for _, u := range urls {
		for _, span := range secretSpans(u) {
			secret := u[span.from:span.to]
			add(secret)
			for _, part := range strings.FieldsFunc(secret, func(r rune) bool { return strings.ContainsRune("/@:#?%&", r) }) {
				add(part)
			}
			if s, err := url.PathUnescape(secret); err == nil {
				add(s)
			}
			if s, err := url.QueryUnescape(secret); err == nil {
				add(s)
			}
		}
	}
	slices.SortFunc(found, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return found
}

type span struct{ from, to int }

// secretSpans finds the secrets in s, in order of their beginnings.
func secretSpans(s string) []span {
	var spans []span
	for _, m := range secretOption().FindAllStringSubmatchIndex(s, -1) {
		if m[3] > m[2] {
			spans = append(spans, span{m[2], m[3]})
		}
	}
	start := 0
	if i := strings.Index(s, "://"); i >= 0 {
		start = i + len("://")
	}
	at := strings.LastIndexByte(s, '@')
	if at > start && s[start] != '/' {
		if colon := strings.IndexByte(s[start:at], ':'); colon >= 0 && start+colon+1 < at {
			spans = append(spans, span{start + colon + 1, at})
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	return spans
}
