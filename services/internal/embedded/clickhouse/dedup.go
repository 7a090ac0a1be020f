package clickhouse

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// forgetLost makes the deduplication logs below the data directory true again, and
// returns how many parts they had wrong. The engine must not run.
//
// The engine notes the token of a part first and gives the part its name afterwards. If
// it is killed in between, or the name cannot be given, the token counts as inserted for
// ever although the rows are not there: whoever repeats the insert is told that it
// succeeded, and the rows are lost. So what a log calls added and the table does not
// have is noted as dropped, as the engine does with parts that it drops.
func forgetLost(data string) (int, error) {
	dirs, err := fs.Glob(os.DirFS(data), "store/*/*/deduplication_logs")
	if err != nil {
		return 0, err
	}
	lost := 0
	for _, dir := range dirs {
		n, err := forgetLostOf(filepath.Join(data, dir))
		lost += n
		if err != nil {
			return lost, fmt.Errorf("mend deduplication log: %w", err)
		}
	}
	return lost, nil
}

// forgetLostOf does it for the logs of one table.
func forgetLostOf(dir string) (int, error) {
	files, err := logFiles(dir)
	if err != nil || len(files) == 0 {
		return 0, err
	}
	stored, err := readParts(filepath.Dir(dir))
	if err != nil {
		return 0, err
	}
	added := map[string]string{} // parts by token
	for _, path := range files {
		if err := replay(path, added); err != nil {
			return 0, err
		}
	}
	lost := map[string]bool{}
	var drops []string
	for token, part := range added {
		if !stored.has(part) {
			lost[part] = true
			drops = append(drops, strings.Join([]string{opDrop, part, token}, "\t")+"\n")
		}
	}
	slices.Sort(drops)
	return len(lost), appendTo(files[len(files)-1], strings.Join(drops, ""))
}

// Operations, the first field of a record; part and token follow.
const opAdd, opDrop = "1", "2"

var logName = regexp.MustCompile(`^deduplication_log_(\d+)\.txt$`)

// logFiles returns the paths of the logs in a directory, the oldest first.
func logFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	numbers := map[string]int{}
	for _, e := range entries {
		if m := logName.FindStringSubmatch(e.Name()); m != nil {
			n, err := strconv.Atoi(m[1])
			if err != nil {
				return nil, fmt.Errorf("read number of %s: %w", e.Name(), err)
			}
			numbers[filepath.Join(dir, e.Name())] = n
		}
	}
	var paths []string
	for path := range numbers {
		paths = append(paths, path)
	}
	slices.SortFunc(paths, func(a, b string) int { return cmp.Compare(numbers[a], numbers[b]) })
	return paths, nil
}

// replay applies the records of a log. It cuts off a last one that was not written to
// its end: the engine would write the next one into the same line, and read neither.
func replay(path string, added map[string]string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	if len(whole) < len(text) {
		if err := os.Truncate(path, int64(len(whole))); err != nil {
			return err
		}
	}
	for line := range strings.Lines(string(whole)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		switch {
		case len(fields) == 3 && fields[0] == opAdd:
			added[fields[2]] = fields[1]
		case len(fields) == 3 && fields[0] == opDrop:
			delete(added, fields[2])
		}
	}
	return nil
}

func appendTo(path, text string) error {
	if text == "" {
		return nil
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}

// parts are the ranges of blocks that a table has on disk, by partition.
type parts map[string][]blocks

type blocks struct{ first, last uint64 }

// readParts reads the names in a table's directory.
func readParts(table string) (parts, error) {
	entries, err := os.ReadDir(table)
	if err != nil {
		return nil, err
	}
	found := parts{}
	for _, e := range entries {
		if partition, b, ok := parsePart(e.Name()); ok {
			found[partition] = append(found[partition], b)
		}
	}
	return found, nil
}

// has reports whether the part is there, or one that it was merged into. Of a name that
// is none of a part it says yes.
func (p parts) has(part string) bool {
	partition, b, ok := parsePart(part)
	return !ok || slices.ContainsFunc(p[partition], func(have blocks) bool {
		return have.first <= b.first && b.last <= have.last
	})
}

// partName is partition, first and last block, level, and for mutated parts a version.
var partName = regexp.MustCompile(`^([^_]+)_(\d+)_(\d+)_\d+(?:_\d+)?$`)

func parsePart(name string) (partition string, b blocks, ok bool) {
	m := partName.FindStringSubmatch(name)
	if m == nil {
		return "", b, false
	}
	first, errFirst := strconv.ParseUint(m[2], 10, 64)
	last, errLast := strconv.ParseUint(m[3], 10, 64)
	return m[1], blocks{first, last}, errFirst == nil && errLast == nil
}
