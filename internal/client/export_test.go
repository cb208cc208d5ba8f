package client

import "time"

// TestOnlyAnswerTime sets how long an answer is waited for.
func (c *Client) TestOnlyAnswerTime(d time.Duration) { c.answerTime = d }
