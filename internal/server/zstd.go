package server

import (
	"sync"

	"github.com/klauspost/compress/zstd"
)

// newZstdEncoder returns what makes frames of zstd. What it needs for that it gets with the first.
func newZstdEncoder() func(dst, p []byte) []byte {
	encoder := sync.OnceValue(func() *zstd.Encoder {
		// Blocks are short, and each is a frame of its own.
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithWindowSize(128<<10), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
		if err != nil {
			panic(err) // options that there are not
		}
		return e
	})
	return func(dst, p []byte) []byte { return encoder().EncodeAll(p, dst) }
}
