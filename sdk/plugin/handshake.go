package plugin

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	goplugin "github.com/hashicorp/go-plugin"
)

// cookie is how a backend program knows that the host started it. It is a
// courtesy to people who run the program by hand, not a protection.
var cookie = goplugin.HandshakeConfig{
	MagicCookieKey:   "CODEX_ARCHIVE_PLUGIN",
	MagicCookieValue: "archive-backend",
}

// Further variables that a backend is started with.
const (
	envHostPid  = "CODEX_ARCHIVE_HOST_PID"         // who may connect
	envLogLevel = "CODEX_ARCHIVE_PLUGIN_LOG_LEVEL" // trace, debug, info, warn, error
)

// serviceName is what go-plugin calls the one thing a backend serves.
const serviceName = "archive"

// maxGreeting bounds the first line of a backend, in bytes. With the certificate
// of AutoMTLS it has about 1,000.
const maxGreeting = 8 << 10

// greeting is the first line of a backend's standard output.
type greeting struct {
	protocol         int
	network, address string
	cert             string // of AutoMTLS; "" without
}

// String returns the line as go-plugin wants it. Only what was checked is in
// it: go-plugin itself would crash over a certificate that it did not expect.
func (g greeting) String() string {
	return fmt.Sprintf("%d|%d|%s|%s|grpc|%s\n", goplugin.CoreProtocolVersion, g.protocol, g.network, g.address, g.cert)
}

// readGreeting reads the first line of a backend and says in its own words
// what is wrong with it. io.EOF: there was none. host are the versions of the
// protocol that this side speaks.
func readGreeting(in *bufio.Reader, host protocols) (greeting, error) {
	line, err := in.ReadSlice('\n')
	if err != nil && len(line) == 0 {
		return greeting{}, io.EOF
	}
	return parseGreeting(string(bytes.TrimSpace(line)), host)
}

func parseGreeting(line string, host protocols) (greeting, error) {
	parts := strings.Split(line, "|")
	if len(parts) < 5 || parts[0] != strconv.Itoa(goplugin.CoreProtocolVersion) {
		return greeting{}, fmt.Errorf("it printed %q where a backend greets its host; it is not a codex backend, or prints before it serves", quote(clean(line)))
	}
	version, err := strconv.Atoi(parts[1])
	if err != nil {
		return greeting{}, fmt.Errorf("it names %q as its protocol, which is not a number", quote(clean(parts[1])))
	}
	if !slices.Contains(host, version) {
		return greeting{}, noCommonProtocol(protocols{version}, host) // its lowest
	}
	if parts[4] != string(goplugin.ProtocolGRPC) {
		return greeting{}, fmt.Errorf("it serves %q, and only grpc is understood", quote(clean(parts[4])))
	}
	g := greeting{protocol: version, network: parts[2], address: parts[3]}
	if g.network != "unix" && g.network != "tcp" || g.address == "" {
		return greeting{}, fmt.Errorf("it serves on %q, which is neither unix nor tcp", quote(clean(parts[2]+" "+parts[3])))
	}
	if g.network == "tcp" && !onLoopback(g.address) {
		return greeting{}, fmt.Errorf("it serves on %q, which other machines may serve or reach; a loopback address, such as 127.0.0.1:4321, is understood", quote(clean(g.address)))
	}
	if tlsOnly && len(parts) > 5 {
		g.cert = parts[5]
	}
	return g, nil
}

// onLoopback reports whether address is an IP address of this machine alone, and a
// port. A name is not looked up.
func onLoopback(address string) bool {
	at, err := netip.ParseAddrPort(address)
	return err == nil && at.Addr().Unmap().IsLoopback() && at.Port() > 0
}

var errNoGreeting = errors.New("it closed its standard output without a greeting; it is not a codex backend")
