package main

import (
	"cmp"
	"slices"
)

// pageSize is that of new archives, in bytes. Each of the two indices by random
// values, tombstones and SHA-256, changes a page for nearly every record of a
// large archive, so smaller is faster there.
const pageSize = 4096

// pack orders bodies, so that rows in this order fill their pages: SQLite begins
// a page when a row does not fit into the last one, which in any order wastes an
// eighth of the file. The largest rows go first, each to the page it fills best.
func pack(sizes []int64) []int {
	order := make([]int, len(sizes))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(x, y int) int { return cmp.Compare(inLeaf(sizes[y]), inLeaf(sizes[x])) })
	type page struct {
		free int64
		rows []int
	}
	var open []*page // by what is free
	byFree := func(p *page, free int64) int { return cmp.Compare(p.free, free) }
	var pages []*page
	for _, row := range order {
		size := inLeaf(sizes[row])
		i, _ := slices.BinarySearchFunc(open, size, byFree)
		var p *page
		if i < len(open) {
			p = open[i]
			open = slices.Delete(open, i, i+1)
		} else {
			p = &page{free: pageSize - leafHeader}
			pages = append(pages, p)
		}
		p.rows, p.free = append(p.rows, row), p.free-size
		i, _ = slices.BinarySearchFunc(open, p.free, byFree)
		open = slices.Insert(open, i, p)
	}
	order = order[:0]
	for _, p := range pages {
		order = append(order, p.rows...)
	}
	return order
}

// Bytes beside the content: of a page, and of a row of codex_body with its
// pointer, key, and lengths.
const (
	leafHeader = 8
	rowHeader  = 2 + 4 + 3 + 5
)

// inLeaf is how many bytes of a row of codex_body its leaf page holds. The rest
// fills overflow pages to the last byte: see "B-tree Cell" of SQLite's file format.
func inLeaf(size int64) int64 {
	const most, least = pageSize - 35, (pageSize-12)*32/255 - 23
	if size += 5; size <= most {
		return size + rowHeader
	}
	local := least + (size-least)%(pageSize-4)
	if local > most {
		local = least
	}
	return local + 4 + rowHeader
}
