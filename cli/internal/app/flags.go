package app

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/codex-archive/codex/cli/internal/output"
	"github.com/codex-archive/codex/sdk"
)

const commonCategory = "COMMON"

// CommonFlags returns the flags of every archive command. Those with a key of
// the configuration are listed in [configFlags].
func CommonFlags() []cli.Flag {
	text := func(name, usage string) *cli.StringFlag {
		return &cli.StringFlag{Name: name, Usage: usage, Category: commonCategory}
	}
	return []cli.Flag{
		text("backend", "`NAME`: sqlite, postgres, mariadb or a vendor's"),
		text("url", "`URL` of the archive, better without a password"),
		text("config", "read this `FILE` before .codex/archive.toml"),
		&cli.StringSliceFlag{Name: "set", Usage: "`SECTION.KEY=VALUE` of the configuration, repeatable", Category: commonCategory},
		PluginDirFlag(),
		text("attach", "debug: use the running backend at `ADDRESS` (unix:PATH or tcp:127.0.0.1:PORT)"),
		text("log-level", "`LEVEL`: debug, info, warn or error"),
		text("log-format", "`FORMAT`: json or text"),
		text("timeout", "give up after so many `SECONDS`"),
		JSONFlag(),
	}
}

// configFlags maps common flags to the keys that they set.
func configFlags() map[string]string {
	return map[string]string{
		"backend":    "backend.type",
		"url":        "backend.url",
		"log-level":  "logging.level",
		"log-format": "logging.format",
	}
}

// PluginDirFlag is the flag of commands that look for backend programs.
func PluginDirFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "plugin-dir", Usage: "look for backends in `DIR` first, repeatable", Category: commonCategory}
}

// JSONFlag is the flag of every command.
func JSONFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "print the result, or the error, as JSON on stdout", Category: commonCategory, DisableDefaultText: true}
}

// Switch is a flag without a value.
func Switch(name, usage string) *cli.BoolFlag {
	return &cli.BoolFlag{Name: name, Usage: usage, DisableDefaultText: true}
}

// ByFlag is the flag of every command that leaves evidence.
func ByFlag() cli.Flag {
	return &cli.StringFlag{Name: "by", Usage: "`WHO` does it; the default is CODEX_ACTOR"}
}

// withCommon adds the common flags. One that the command has itself, with
// another meaning, is left out.
func withCommon(flags []cli.Flag) []cli.Flag {
	for _, common := range CommonFlags() {
		if findFlag(flags, flagNames(common)[0]) == nil {
			flags = append(flags, common)
		}
	}
	return flags
}

// IsCommon reports whether a command's flag of this name is a common one.
func IsCommon(c *cli.Command, name string) bool {
	f, ok := findFlag(c.Flags, name).(cli.CategorizableFlag)
	return ok && f.GetCategory() == commonCategory
}

// Seconds reads the value of a flag of seconds, 0 for "".
func Seconds(flag, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseFloat(strings.TrimSuffix(text, "s"), 64)
	if err != nil || !(n > 0) || n > 1e9 {
		return 0, output.Usagef("%s: found %q, allowed seconds, > 0", flag, text)
	}
	return time.Duration(n * float64(time.Second)), nil
}

// Time reads the value of a flag that takes a date, an RFC 3339 time or an age
// before now; the zero time if it is not given. A date or a time without a zone
// is local, which is said.
func (c *Command) Time(flag string, now time.Time) (time.Time, error) {
	text := c.Flags.String(flag)
	if text == "" {
		return time.Time{}, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 {
			return sdk.Time(now.AddDate(0, 0, -n)), nil
		}
	}
	if age, err := time.ParseDuration(text); err == nil && age >= 0 {
		return sdk.Time(now.Add(-age)), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return sdk.Time(t), nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			c.Log.Info("--" + flag + " " + text + " is local time: " + t.Format(time.RFC3339))
			return sdk.Time(t), nil
		}
	}
	return time.Time{}, output.Usagef("--%s: found %q, allowed a date (2025-10-17), RFC 3339 (2025-10-17T13:22:36Z) or an age (36h, 7d)", flag, text)
}

// TimeHelp explains the values that [Command.Time] takes.
const TimeHelp = "TIME is a date (2025-10-17), RFC 3339 (2025-10-17T13:22:36Z) or an age (90m, 36h, 7d).\n" +
	"A date or a time without a zone is local."

// SetFlag is --set of commands that select records. Like the common flag of this
// name it also takes settings, which hold a "=".
func SetFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "set", Usage: "only of the run `SET`; also SECTION.KEY=VALUE, repeatable"}
}

// settings returns the values of --set that are settings.
func (c *Command) settings() []string {
	values := c.Flags.StringSlice("set")
	if IsCommon(c.Flags.Command, "set") {
		return values
	}
	return slices.DeleteFunc(slices.Clone(values), func(v string) bool { return !strings.Contains(v, "=") })
}

// RecordSet returns the set that --set names, zero if it names none.
func (c *Command) RecordSet() (sdk.ID, error) {
	var set sdk.ID
	for _, value := range c.Flags.StringSlice("set") {
		if strings.Contains(value, "=") {
			continue
		}
		id, err := sdk.ParseID(value)
		switch {
		case err != nil:
			return set, output.Usagef("--set: found %q, allowed the UUID of a set, or SECTION.KEY=VALUE", value)
		case !set.IsZero() && set != id:
			return set, output.Usagef("--set: two sets are given, allowed one")
		}
		set = id
	}
	return set, nil
}
