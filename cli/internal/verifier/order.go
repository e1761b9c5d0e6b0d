package verifier

// order finds out to which target all are done.
type order struct {
	next  int64 // number of the next target
	first int64 // the first that is not done
	begun map[int64]Target
	ended map[int64]struct{}
}

func newOrder() order { return order{begun: map[int64]Target{}, ended: map[int64]struct{}{}} }

func (o *order) begin(t Target) int64 {
	n := o.next
	o.begun[n] = t
	o.next++
	return n
}

// done calls passed for each target, in order, that all are now done to.
func (o *order) done(n int64, passed func(Target)) {
	o.ended[n] = struct{}{}
	for {
		if _, ok := o.ended[o.first]; !ok {
			return
		}
		passed(o.begun[o.first])
		delete(o.ended, o.first)
		delete(o.begun, o.first)
		o.first++
	}
}
