package bench

import (
	"context"
	"errors"
	"fmt"
)

// closeEnough is how far a ceiling may be above the rate that was found.
const closeEnough = 1.12

// findCeiling doubles the rate until events come too late, or halves it until they do not, and then
// halves what is between, each attempt with a server of its own. A rate has failed if it has twice.
func findCeiling(ctx context.Context, o Options) (*Result, error) {
	var best *Result
	attempt := func(rate float64) (bool, error) {
		o.Rate = rate
		for range 2 {
			result, err := runOnce(ctx, o)
			switch {
			case errors.Is(err, errLate):
				continue
			case err != nil:
				return false, fmt.Errorf("at %.0f events a second: %w", rate, err)
			case result.Lost > 0 || result.Disconnected > 0 || result.Refused > 0:
				continue // no delivery counts for a server that leaves some out
			}
			best = result
			return true, nil
		}
		return false, nil
	}
	low, high := 0.0, o.Rate
	for {
		ok, err := attempt(high)
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		low, high = high, 2*high
	}
	for low == 0 { // the first rate was too high
		rate := high / 2
		if rate < 1 {
			return nil, fmt.Errorf("%.1f events a second to %d subscribers: %w", high, o.Subscribers, ErrTooMany)
		}
		ok, err := attempt(rate)
		if err != nil {
			return nil, err
		}
		if ok {
			low = rate
		} else {
			high = rate
		}
	}
	for high > closeEnough*low {
		middle := (low + high) / 2
		ok, err := attempt(middle)
		if err != nil {
			return nil, err
		}
		if ok {
			low = middle
		} else {
			high = middle
		}
	}
	return best, nil
}
