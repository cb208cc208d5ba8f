package filelog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"

	"github.com/streamgauge/streamgauge"
)

// meta is what the log knows of its last run, in a file of its own: one line of
// JSON and one with its CRC32C. It is replaced when the log is opened and when
// it is closed.
type meta struct {
	Format int               `json:"format"`
	Epoch  streamgauge.Epoch `json:"epoch"`
	Level  streamgauge.Level `json:"level"`
	Boot   string            `json:"boot,omitempty"`  // of the operating system
	Place  uint64            `json:"place,omitempty"` // of the directory: its lock file's inode
	Clean  bool              `json:"clean"`           // the log was closed
	Head   uint64            `json:"head"`            // when it was closed
}

const formatVersion = 1

func (m meta) encode() []byte {
	line, err := json.Marshal(m)
	if err != nil {
		panic(err) // a struct of numbers and strings
	}
	return fmt.Appendf(nil, "%s\n%08x\n", line, crc32.Checksum(line, castagnoli))
}

func decodeMeta(content []byte) (m meta, ok bool) {
	line, sum, _ := bytes.Cut(content, []byte("\n"))
	if string(sum) != fmt.Sprintf("%08x\n", crc32.Checksum(line, castagnoli)) {
		return m, false
	}
	return m, json.Unmarshal(line, &m) == nil && m.Epoch != 0
}

// readMeta returns the meta file's content, or nil if there is none or it is
// damaged; then it is set aside.
func (l *Log) readMeta() (*meta, error) {
	name := filepath.Join(l.dir, metaName)
	content, err := readFile(l.fs, name, nil)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m, ok := decodeMeta(content)
	if !ok {
		return nil, l.setAside(metaName, "its checksum is wrong")
	}
	if m.Format != formatVersion {
		return nil, fmt.Errorf("%s has format %d, this program knows format %d: use the version of the program that wrote it", name, m.Format, formatVersion)
	}
	return &m, nil
}

func (l *Log) writeMeta(clean bool) error {
	if err := l.checkPlace(); err != nil {
		return err
	}
	l.mu.Lock()
	head := l.index.Head().Seq
	l.mu.Unlock()
	m := meta{Format: formatVersion, Epoch: l.epoch, Level: l.level, Boot: l.boot, Place: l.place, Clean: clean, Head: head}
	return replaceFile(l.fs, filepath.Join(l.dir, metaName), m.encode(), true)
}

// bootID names this run of the operating system, or is empty where that can't
// be told.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}
