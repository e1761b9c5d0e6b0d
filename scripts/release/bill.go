package main

import (
	"bytes"
	"cmp"
	"debug/buildinfo"
	"io"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// bill writes a software bill of materials, in CycloneDX's JSON. It says what the
// linker wrote into each program, so it lists what is really inside.
func (b *build) bill(name, goos, goarch string, programs []file) error {
	bom := cdx.NewBOM()
	product := cdx.Component{
		BOMRef: "codex", Type: cdx.ComponentTypeApplication, Name: "codex archive", Version: b.version,
		Properties: &[]cdx.Property{{Name: "commit", Value: b.commit}, {Name: "platform", Value: goos + "/" + goarch}},
		Licenses:   &cdx.Licenses{{License: &cdx.License{ID: "Apache-2.0"}}},
	}
	bom.Metadata = &cdx.Metadata{Timestamp: b.time.Format(time.RFC3339), Component: &product}
	needs := map[string][]string{}
	modules := map[string]cdx.Component{}
	var components []cdx.Component
	for _, p := range programs {
		info, err := buildinfo.Read(bytes.NewReader(p.data))
		if err != nil {
			return err
		}
		components = append(components, cdx.Component{
			BOMRef: p.name, Type: cdx.ComponentTypeApplication, Name: path.Base(p.name), Version: b.version,
			Hashes: &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: digest(p.data)}},
		})
		needs[product.BOMRef] = append(needs[product.BOMRef], p.name)
		for _, m := range contents(info) {
			modules[m.BOMRef] = m
			needs[p.name] = append(needs[p.name], m.BOMRef)
		}
	}
	for _, m := range modules {
		components = append(components, m)
	}
	slices.SortFunc(components, func(a, b cdx.Component) int { return cmp.Compare(a.BOMRef, b.BOMRef) })
	bom.Components, bom.Dependencies = &components, dependencies(needs)
	return create(name, func(w io.Writer) error {
		return cdx.NewBOMEncoder(w, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bom)
	})
}

// contents are the modules in a program, Go's own library among them.
func contents(info *debug.BuildInfo) []cdx.Component {
	found := []cdx.Component{module("std", strings.TrimPrefix(info.GoVersion, "go"), "")}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		found = append(found, module(m.Path, m.Version, m.Sum))
	}
	return found
}

func module(name, version, sum string) cdx.Component {
	purl := "pkg:golang/" + name + "@" + version
	c := cdx.Component{BOMRef: purl, Type: cdx.ComponentTypeLibrary, Name: name, Version: version, PackageURL: purl}
	if sum != "" {
		c.Properties = &[]cdx.Property{{Name: "go.sum", Value: sum}}
	}
	return c
}

func dependencies(needs map[string][]string) *[]cdx.Dependency {
	var all []cdx.Dependency
	for ref, of := range needs {
		slices.Sort(of)
		all = append(all, cdx.Dependency{Ref: ref, Dependencies: &of})
	}
	slices.SortFunc(all, func(a, b cdx.Dependency) int { return cmp.Compare(a.Ref, b.Ref) })
	return &all
}
