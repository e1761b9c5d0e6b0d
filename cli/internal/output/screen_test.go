package output

import "testing"

func TestBarFits(t *testing.T) {
	for width := range 200 {
		for _, total := range []int{0, 1, 7, 100, 1_000_000} {
			for _, done := range []int{0, total / 2, total} {
				text := barText(done, total, width)
				if len(text) > maxBar || width > 0 && text != "" && len(text) >= width {
					t.Errorf("%d of %d on %d columns: %q", done, total, width, text)
				}
			}
		}
	}
	for width, want := range map[int]string{
		80: "[############.............] 50% (50/100)", 13: "50% (50/100)", 12: "",
	} {
		if got := barText(50, 100, width); got != want {
			t.Errorf("on %d columns: %q, want %q", width, got, want)
		}
	}
}
