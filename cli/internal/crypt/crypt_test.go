package crypt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

const (
	public    = "age19575rf5g85ahakpze352tpa5fr04tarrs8y2nt0h74k77t9uqq8sxpdrm8"
	private   = "AGE-SECRET-KEY-162M2M69LT9UWF7XW8LRJ7LTFKPTVCG20DQSHSGGKMF0NJZ5S78USQDM6US"
	other     = "AGE-SECRET-KEY-1VUTD3X57D62QC8QR5WWC59QGJQ93W6VE3C2UV2U4WRK683D6NV6QPTDUSJ"
	sshPublic = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJgZP+AUgiXkn4xrgGE80JX2ftBiE/rUEdwRl1T8pi96 tester"
	sshName1  = "ssh-ed25519 SHA256:pKR5apCDLe+8vXXnHFxFTDqhvXbw7yg2SrNlMwIeudU"
)

const sshPrivate = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACCYGT/gFIIl5J+Ma4BhPNCV9n7QYhP61BHcEZdU/KYvegAAAJCGpJC2hqSQ
tgAAAAtzc2gtZWQyNTUxOQAAACCYGT/gFIIl5J+Ma4BhPNCV9n7QYhP61BHcEZdU/KYveg
AAAEAAze+Nv/P5lSZfcT4tQ4FKcw6ULFLiI7+O6UmmIg69nJgZP+AUgiXkn4xrgGE80JX2
ftBiE/rUEdwRl1T8pi96AAAABnRlc3RlcgECAwQFBgc=
-----END OPENSSH PRIVATE KEY-----
`

const rsaPublic = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCsOTD3SeuOB31MTwaZO8939fYXrvobTIc+I1TsFXDAMxFw5g5X5W5ctCngiXpeGrZ5Xhy9neRYxQJFr7tEw8YuDZny8nkwU3I8eNwNRsuomoMIkC0vD2lhW5cTigFmbjyV/qr2LGNP0w28IllOvv8/OOjJvgt9c9PYWeFB7dNnSU78I0f7+3PVTwG73SW17jwQwBc7wi/QfDcCOPb841PTHwm6czPtpmDVkYiNYaA+mA4RaWbdvOwaNYYVXcdm0XguCKIhHeiAI2leVoxd793sxdTnxir/48R9rkOnara4cmisb15g/YSnFp/rkAjyHyu7l9auLRkHx9junQhYdzmn tester"

const rsaPrivate = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAABFwAAAAdzc2gtcn
NhAAAAAwEAAQAAAQEArDkw90nrjgd9TE8GmTvPd/X2F676G0yHPiNU7BVwwDMRcOYOV+Vu
XLQp4Il6Xhq2eV4cvZ3kWMUCRa+7RMPGLg2Z8vJ5MFNyPHjcDUbLqJqDCJAtLw9pYVuXE4
oBZm48lf6q9ixjT9MNvCJZTr7/Pzjoyb4LfXPT2FnhQe3TZ0lO/CNH+/tz1U8Bu90lte48
EMAXO8Iv0Hw3Ajj2/ONT0x8JunMz7aZg1ZGIjWGgPpgOEWlm3bzsGjWGFV3HZtF4LgiiIR
3ogCNpXlaMXe/d7MXU58Yq/+PEfa5Dp2q2uHJorG9eYP2Epxaf65AI8h8ru5fWri0ZB8fY
7p0IWHc5pwAAA8AS1zOQEtczkAAAAAdzc2gtcnNhAAABAQCsOTD3SeuOB31MTwaZO8939f
YXrvobTIc+I1TsFXDAMxFw5g5X5W5ctCngiXpeGrZ5Xhy9neRYxQJFr7tEw8YuDZny8nkw
U3I8eNwNRsuomoMIkC0vD2lhW5cTigFmbjyV/qr2LGNP0w28IllOvv8/OOjJvgt9c9PYWe
FB7dNnSU78I0f7+3PVTwG73SW17jwQwBc7wi/QfDcCOPb841PTHwm6czPtpmDVkYiNYaA+
mA4RaWbdvOwaNYYVXcdm0XguCKIhHeiAI2leVoxd793sxdTnxir/48R9rkOnara4cmisb1
5g/YSnFp/rkAjyHyu7l9auLRkHx9junQhYdzmnAAAAAwEAAQAAAQAUnzHVH812z5VvQl8r
O1WCVbnxPWBxTbPmpYW7pxg9y1+hQcrMjN+uy1vgU6s1WBmAEDF80Ep8CUsBBnkeqMUy1S
oZRHNtF/DWe4T4igDvirYkm67tXaO5UVBBD1tPj+TtSPXg+Duus+Tcds3Jd2afhAmhGS0j
CRrVYx3Cg98Lv4cLiz4zwnCx8DCacXPiISiiCCeN0gDhfkj262krHRZSgESo2Nkl7pZ0oX
xmvDT4Hk50L7r7I8Dr/Ab49zzDbOnY6qdtJRUARTAYm4oWNPtPdK0QqF2qX+PsZffTl5rO
FJvIzG7IgtA1Rx3P5k75e79zQMuTAG/GvIH3Fy7W1TYRAAAAgQCoi5J4rc0sfd69NA7SKX
AWYncsCNBUZG1q1+xjFAjsbw/xpHB0jt/gPPxCw0ReAX+aYFXUbYbNalYDG7ss494qd/id
vBlcP6+pe0JRa4fjPZljq5N23titNr+N2knvVmpScONrGO9BzgWVHazn0VrzUy2HqzgZn9
8kgD/YN2ZWyQAAAIEA31SH2G1JRk2497Chn63ZEvYSBcEmY3ozlVXHM43Kv3Y/i3R16f+0
sWuxiOAbcQsBngZ4rfcDiKemabMlk7dPUzwCR5S4G+iZOJxk6UxFjl+0LFtE+w04qVoKEN
8+6Yw6nNBoKboucAm9LDoCU3Y/SYA26hp8ady9nmLF2bfxihUAAACBAMVqxIFFeFWIxm71
F0IllTvKbK84fHq7WpSsGx10gMXJ20ea6TyoxWomFlYCubMYQHguqrg9/4ZiSDOkzmIYwl
6E1OiSYjS49fwyztxGhb7o//AwHUlY/LfIhPBKLfwuY+J5sltxD2ODxgypAKRrD62L56DV
gBhC7qD+gQR02Y/LAAAABnRlc3RlcgECAwQ=
-----END OPENSSH PRIVATE KEY-----
`

// protected is an SSH key with a passphrase.
const protected = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABCTyNvsXR
h9nPDeobko0EF4AAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIO2KWFB92CnrqRoU
4qd85CqCy7LhagRjgYUH82rnFoUJAAAAkNFWaDCSGl9jrK8tYaI2I3VzQrDGOjJgl19qFn
9GlEFblGtbr9xLkuMmiTNutQvF+2xKrhwc1jdoZAa+O/hEFcbpOpbslzwLCszIYGy5DCiq
XnLo7o6ozahvXWmKLfB2C9o5eRobCMHRTMFI0Q/Z8kH4aT4iejfA6o+WrH7XUQ4EYQl1nv
/xmusBxRj1NadrXA==
-----END OPENSSH PRIVATE KEY-----
`

func record() *sdk.Record {
	return &sdk.Record{Tombstone: sdk.ID{7}, Content: sdk.Content{Codec: sdk.ZstdAge}}
}

func recipients(t *testing.T, file string) *Recipients { return parsed(t, ParseRecipients, file) }

func parsed[K any](t *testing.T, parse func([]byte) (*K, error), file string) *K {
	t.Helper()
	keys, err := parse([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func identities(t *testing.T, file string) *Identities { return parsed(t, ParseIdentities, file) }

func encrypted(t *testing.T, r *Recipients, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := r.Encrypt(&b)
	_, err := w.Write(plain)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestRoundTrip: each recipient alone reads what is encrypted to all.
func TestRoundTrip(t *testing.T) {
	to := recipients(t, "# who\r\n"+public+"\r\n\n"+sshPublic+"\n  "+rsaPublic+"\n")
	if got := strings.Join(to.Names(), "|"); !strings.HasPrefix(got, public+"|"+sshName1+"|ssh-rsa SHA256:") {
		t.Errorf("names are %s", got)
	}
	for _, size := range []int{0, 1, 64 << 10, 64<<10 + 1, 300 << 10} {
		plain := bytes.Repeat([]byte("x"), size)
		body := encrypted(t, to, plain)
		for name, file := range map[string]string{"age": "# mine\n" + other + "\n" + private + "\n", "ssh": sshPrivate, "rsa": rsaPrivate} {
			t.Run(fmt.Sprintf("%s, %d bytes", name, size), func(t *testing.T) { expect(t, identities(t, file), body, plain) })
		}
	}
}

// TestForOthers: without a private key, and with another one, the tombstone and
// the public keys are named.
func TestForOthers(t *testing.T) {
	to := recipients(t, public+"\n"+sshPublic)
	body := encrypted(t, to, []byte("x"))
	for name, c := range map[string]struct {
		i     *Identities
		words []string
	}{
		"nil":   {nil, []string{`is encrypted to "X25519", "ssh-ed25519" ` + sshName1[len("ssh-ed25519 "):][:12] + "…, and archive.identity_file names no identity"}},
		"none":  {(*Identities)(nil).For(to), []string{"is encrypted to " + public + ", " + sshName1}},
		"other": {identities(t, other).For(to), []string{"2 recipients", "X25519", `"ssh-ed25519" SHA256:`, "the identity of age1940rlq", "are " + public}},
	} {
		_, err := c.i.Decrypt(record(), bytes.NewReader(body))
		if !IsForOthers(err) || output.CodeOf(err) != output.ExitUsage || !strings.Contains(err.Error(), record().Tombstone.String()) {
			t.Errorf("%s: %v", name, err)
		}
		for _, words := range c.words {
			if !strings.Contains(err.Error(), words) {
				t.Errorf("%s: %q lacks %q", name, err, words)
			}
		}
	}
}

// TestDamage: no byte of a body can be changed or cut off, nor one added, also when
// its key is known from before.
func TestDamage(t *testing.T) {
	mine := identities(t, private)
	for _, size := range []int{0, 100, smallBody, smallBody + 100} {
		damage(t, mine, encrypted(t, recipients(t, public), pattern(size)))
	}
}

func damage(t *testing.T, mine *Identities, body []byte) {
	t.Helper()
	read := func(body []byte) error {
		if _, ok := mine.Open(nil, body); ok {
			return nil
		}
		r, err := mine.Decrypt(record(), bytes.NewReader(body))
		if err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		return err
	}
	if err := read(body); err != nil {
		t.Fatal(err)
	}
	places := []int{len(body) - 1, len(body) - 200, len(body) / 2}
	for at := range min(260, len(body)) { // the header, the nonce, and some of the payload
		places = append(places, at)
	}
	for _, at := range places {
		bad := bytes.Clone(body)
		bad[at] ^= 1
		if read(bad) == nil {
			t.Errorf("a change of byte %d is not found", at)
		}
		if read(body[:at]) == nil {
			t.Errorf("a body that is cut at %d is not found", at)
		}
	}
	if read(append(bytes.Clone(body), 0)) == nil {
		t.Error("a byte more is not found")
	}
}

// TestHostileHeader: a header that does not end takes bounded memory.
func TestHostileHeader(t *testing.T) {
	endless := &counted{r: io.MultiReader(strings.NewReader("age-encryption.org/v1\n-> X25519 "), &repeated{"A"})}
	_, err := identities(t, private).Decrypt(record(), endless)
	if err == nil || endless.n > maxHeader+1 {
		t.Errorf("after %d bytes: %v", endless.n, err)
	}
	endless = &counted{r: io.MultiReader(strings.NewReader("age-encryption.org/v1\n"), &repeated{"-> a\nAAAA\n"})}
	if _, err := identities(t, private).Decrypt(record(), endless); err == nil || endless.n > maxHeader+1 {
		t.Errorf("after %d bytes: %v", endless.n, err)
	}
}

type repeated struct{ text string }

func (r *repeated) Read(p []byte) (int, error) {
	n := 0
	for n+len(r.text) <= len(p) {
		n += copy(p[n:], r.text)
	}
	return n, nil
}

type counted struct {
	r io.Reader
	n int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

// TestHostileFiles: what a key file holds is never quoted.
func TestHostileFiles(t *testing.T) {
	for name, file := range map[string]string{
		"empty": "", "comments": "# a\n\n", "private key": private, "ssh private key": sshPrivate, "noise": "CaNaRy\x00\xff\n",
		"plugin": "age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t", "too many": strings.Repeat(public+"\n", maxRecipients+1),
		"ecdsa":     "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg=",
		"low order": lowOrder,
	} {
		if r, err := ParseRecipients([]byte(file)); err == nil || quotes(err, file) {
			t.Errorf("recipients, %s: %v, %v", name, r, err)
		}
	}
	for name, file := range map[string]string{
		"empty": "", "public key": public, "noise": "CaNaRy\x00\xff\n", "two kinds": private + "\n" + sshPublic, "cut": sshPrivate[:200],
		"protected": protected, "armored": "-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----\n", "encrypted": "age-encryption.org/v1\n-> scrypt",
		"long": strings.Repeat("A", 100_000),
	} {
		i, err := ParseIdentities([]byte(file))
		if err == nil || quotes(err, file) {
			t.Errorf("identities, %s: %v, %v", name, i, err)
		}
		if (name == "protected" || name == "armored" || name == "encrypted") && !strings.Contains(err.Error(), "passphrase, which is not supported") {
			t.Errorf("identities, %s: %v", name, err)
		}
	}
}

// lowOrder is a key with which every shared secret is zero.
const lowOrder = "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z"

func quotes(err error, file string) bool {
	for line := range strings.Lines(file) {
		if line = strings.TrimSpace(line); len(line) > 3 && strings.Contains(err.Error(), line) {
			return true
		}
	}
	return strings.Contains(err.Error(), "CaNaRy")
}
