package plugin

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/codex-archive/codex/sdk"
	goplugin "github.com/hashicorp/go-plugin"
)

// protocols are versions of the protocol that one side speaks, in ascending order.
type protocols []int

// spoken are the versions that this package speaks.
var spoken = protocols{sdk.ProtocolVersion}

// newProtocols returns versions in order, and those of this package where there are
// none.
func newProtocols(versions []int) protocols {
	if len(versions) == 0 {
		return spoken
	}
	return slices.Compact(slices.Sorted(slices.Values(versions)))
}

// common returns the highest version that both sides speak.
func (p protocols) common(other protocols) (version int, ok bool) {
	for _, v := range slices.Backward(p) {
		if slices.Contains(other, v) {
			return v, true
		}
	}
	return 0, false
}

// plugins returns what go-plugin calls the plugins of each version: half for all.
func (p protocols) plugins(half goplugin.Plugin) map[int]goplugin.PluginSet {
	versions := map[int]goplugin.PluginSet{}
	for _, v := range p {
		versions[v] = goplugin.PluginSet{serviceName: half}
	}
	return versions
}

// String returns "1", "1 and 2" or "1, 2 and 3".
func (p protocols) String() string {
	words := make([]string, len(p))
	for i, v := range p {
		words[i] = strconv.Itoa(v)
	}
	if last := len(words) - 1; last > 0 {
		return strings.Join(words[:last], ", ") + " and " + words[last]
	}
	return strings.Join(words, "")
}

// noCommonProtocol returns the sentence about a plugin and a host that do not
// understand each other: what each speaks, and which to replace.
func noCommonProtocol(plugin, host protocols) error {
	advice := "use a newer build of the plugin"
	if len(plugin) > 0 && plugin[0] > host[len(host)-1] {
		advice = "use a newer codex, or an older build of the plugin"
	}
	return fmt.Errorf("this plugin speaks protocol %v, this host %v; %s", plugin, host, advice)
}
