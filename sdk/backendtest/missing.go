package backendtest

import (
	"slices"

	"github.com/codex-archive/codex/sdk"
)

func missingRules() []Rule {
	return []Rule{
		proof(canMissing, must("MISSING-01", "Missing answers those contents that have no body, in the order given.", func(t *T) {
			b, s := t.backend(), t.items(20)
			var asked, want []sdk.Digest
			for i, one := range s {
				asked = append(asked, one.Content.SHA256)
				if i%3 == 0 {
					t.put(b, one)
				} else {
					want = append(want, one.Content.SHA256)
				}
			}
			t.missingIs(b, asked, want)
			slices.Reverse(asked)
			slices.Reverse(want)
			t.missingIs(b, asked, want)
		})),
		must("MISSING-02", "Missing of nothing, or of what is all there, is nothing.", func(t *T) {
			b, s := t.backend(), t.item(100)
			t.put(b, s)
			t.missingIs(b, nil, nil)
			t.missingIs(b, []sdk.Digest{s.Content.SHA256}, nil)
		}),
		must("MISSING-03", "Missing takes MaxItems contents; more are Limit.", func(t *T) {
			b, s := t.backend(), t.items(sdk.MaxItems+1)
			var asked []sdk.Digest
			for _, one := range s {
				asked = append(asked, one.Content.SHA256)
			}
			t.put(b, s[7])
			want := slices.Delete(slices.Clone(asked[:sdk.MaxItems]), 7, 8)
			t.missingIs(b, asked[:sdk.MaxItems], want)
			_, err := b.Missing(t.ctx, asked)
			t.kind(err, sdk.Limit)
		}),
	}
}
