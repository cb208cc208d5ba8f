package streamgauge

import "testing"

func TestADequeTakesLittleMoreThanItHolds(t *testing.T) {
	var d deque[int]
	pushed, popped := 0, 0
	push := func() { d.push(pushed); pushed++ }
	pop := func() {
		t.Helper()
		if got := d.pop(); got != popped {
			t.Fatalf("popped %d, want %d", got, popped)
		}
		popped++
	}
	const n = 100_000
	for range n {
		push()
	}
	for range 10 * n {
		push()
		pop()
	}
	if c := cap(d.buf); c > 2*n {
		t.Errorf("there is room for %d when it has never held more than %d", c, n+1)
	}
	for left := n; left > 0; left-- {
		pop()
		if c := cap(d.buf); c > max(dequeSmall, dequeSpare*left) {
			t.Fatalf("there is room for %d when it holds %d", c, left-1)
		}
	}
	push()
	pop()
}
