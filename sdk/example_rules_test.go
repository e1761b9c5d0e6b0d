package sdk_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/codex-archive/codex/sdk"
)

// noon of a day in January 2026.
func noon(day int) time.Time { return time.Date(2026, 1, day, 12, 0, 0, 0, time.UTC) }

// Custody holds the rules of Append: a backend loads what it knows of a record, has
// the event applied, and stores what has changed.
func ExampleCustody_Apply() {
	c := sdk.Custody{RetainUntil: noon(10)}
	hold, err := c.Apply(&sdk.Event{Action: sdk.ActionHold, Actor: "anna", Case: "audit-7", At: noon(1)})
	fmt.Println("placed:", hold.Case, err)
	hold, err = c.Apply(&sdk.Event{Action: sdk.ActionHold, Actor: "ben", Case: "audit-7", At: noon(2)})
	fmt.Println("placed again:", hold, err)
	_, err = c.Apply(&sdk.Event{Action: sdk.ActionRetain, Actor: "anna", RetainUntil: noon(5), At: noon(2), Tombstone: sdk.Tombstone{1}})
	fmt.Println(sdk.KindOf(err), err)
	// Output:
	// placed: audit-7 <nil>
	// placed again: <nil> <nil>
	// refused retained until 2026-01-10, which only ever moves later (tombstone 01000000-0000-0000-0000-000000000000)
}

// A backend judges each item inside its transaction, and removes a body only for
// the outcome "purged".
func ExamplePurge_Judge() {
	p := sdk.Purge{Actor: "ben", At: noon(20), Items: []sdk.PurgeItem{{Tombstone: sdk.Tombstone{1}, Event: sdk.ID{2}}}}
	now := p.Clock(noon(9)) // the database's clock is earlier
	for _, c := range []*sdk.Custody{
		nil,
		{Holds: []sdk.Hold{{Case: "audit-7", Placed: noon(1), PlacedBy: "anna"}}},
		{RetainUntil: noon(10)},
		{Requests: []string{" Ben"}},
		{Requests: []string{"anna"}},
	} {
		v := p.Judge(p.Items[0], c, now)
		fmt.Println(v.Outcome, "-", v.Why)
	}
	// Output:
	// unknown - no such tombstone
	// held - case audit-7 is active
	// retained - retained until 2026-01-10
	// same-actor - only ben asked for it
	// purged -
}

// A backend checks what it is asked for before it asks its database.
func ExamplePurge_Validate() {
	p := sdk.Purge{At: noon(1)}
	fmt.Println(sdk.KindOf(p.Validate()), p.Validate())
	p = sdk.Purge{Actor: "ben", At: noon(1), Items: make([]sdk.PurgeItem, sdk.MaxItems+1)}
	fmt.Println(sdk.KindOf(p.Validate()), p.Validate())
	// Output:
	// invalid actor is missing
	// limit tombstones: more than 1000 in one call
}

func ExampleQuery_Validate() {
	for _, q := range []sdk.Query{{Name: "*.go"}, {Name: "[a-"}, {Prefix: "0123456"}} {
		fmt.Println(q.Validate())
	}
	// Output:
	// <nil>
	// name is not a pattern
	// prefix is not the beginning of a UUID
}

// A copy brings the holds of another archive with it. None of them releases a hold
// that was placed here later.
func ExampleMergeHolds() {
	here := []sdk.Hold{{Case: "audit-7", Placed: noon(1), PlacedBy: "anna"}}
	there := []sdk.Hold{{Case: "audit-7", Placed: noon(1), PlacedBy: "anna", Released: noon(3)}}
	placed := []sdk.Event{{Action: sdk.ActionHold, Case: "audit-7", Actor: "ben", At: noon(4)}}
	for _, h := range sdk.MergeHolds(here, there, placed) {
		fmt.Println(h.Case, "of", h.PlacedBy, "active:", h.Released.IsZero())
	}
	// Output:
	// audit-7 of anna active: false
	// audit-7 of ben active: true
}

// A record that was purged elsewhere is not purged here in spite of a hold.
func ExampleItem_CheckPurge() {
	item := sdk.Item{Record: sdk.Record{Tombstone: sdk.Tombstone{1}}, History: sdk.History{Events: []sdk.Event{
		{Action: sdk.ActionPruneRequest, Actor: "anna", At: noon(1)}, {Action: sdk.ActionPurge, Actor: "ben", At: noon(2)},
	}}}
	fmt.Println(item.CheckPurge(&sdk.Custody{}, noon(3)))
	err := item.CheckPurge(&sdk.Custody{Holds: []sdk.Hold{{Case: "audit-7", Placed: noon(1), PlacedBy: "anna"}}}, noon(3))
	fmt.Println(sdk.KindOf(err), sdk.AsError(err).Msg)
	// Output:
	// <nil>
	// refused it was purged elsewhere and may not be purged here: case audit-7 is active
}

// One error names all records at fault, so that a host can do something about them.
func ExampleCulprits() {
	absent := sdk.Culprits{Kind: sdk.ContentAbsent, Msg: "items without body need content that is not there"}
	fmt.Println(absent.Err())
	absent.Add(sdk.Tombstone{1})
	absent.Add(sdk.Tombstone{2})
	err := sdk.AsError(absent.Err())
	fmt.Println(err.Kind, len(err.Tombstones))
	// Output:
	// <nil>
	// content_absent 2
}

// A backend that keeps an archive in a file takes SCHEME:///PATH for a path below
// the project, and SCHEME:////PATH for an absolute one.
func ExampleOptions_FilePath() {
	for _, url := range []string{"mystore:///a/b.db", "mystore:///", "other:///a"} {
		o := sdk.Options{URL: url, Dir: filepath.FromSlash("/project")}
		path, err := o.FilePath("mystore")
		fmt.Println(filepath.ToSlash(path), err)
	}
	// Output:
	// /project/a/b.db <nil>
	//  the mystore URL names no file
	//  this backend takes mystore:///PATH
}

// A key/value store may keep a record as JSON: also a path that is not UTF-8 comes
// back as it was.
func ExampleRecord_MarshalJSON() {
	data, err := json.Marshal(sdk.Record{Path: "caf\xe9.txt", RetainUntil: noon(1)})
	if err != nil {
		fmt.Println(err)
		return
	}
	var r sdk.Record
	err = json.Unmarshal(data, &r)
	fmt.Printf("%q %v %v\n", r.Path, r.RetainUntil.Equal(noon(1)), err)

	_, err = json.Marshal(sdk.Record{Path: "a.txt", Note: "caf\xe9"})
	fmt.Println(err != nil)
	// Output:
	// "caf\xe9.txt" true <nil>
	// true
}
