package yamlfile

import "strings"

// DidYouMean returns a hint that names what was probably meant, or the few
// names that there are, or nothing.
func DidYouMean(got string, names []string) string {
	if name := Nearest(got, names); name != "" {
		return "did you mean " + name + "?"
	}
	if 0 < len(names) && len(names) <= 12 {
		return "there are " + strings.Join(names, ", ")
	}
	return ""
}

// Nearest returns the name that is most like got, or "" if none is near.
func Nearest(got string, names []string) string {
	best, bestDistance := "", max(2, len(got)/3)+1
	for _, name := range names {
		if d := distance(strings.ToLower(got), strings.ToLower(name)); d < bestDistance {
			best, bestDistance = name, d
		}
	}
	return best
}

// distance is the number of bytes to insert, remove or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
