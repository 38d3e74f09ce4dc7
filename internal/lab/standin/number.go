package standin

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// parseSize reads a size as zfs does: 4T, 4TB and 4TiB are the same, and so are 1.5g and 1536M.
func parseSize(text string) (int64, error) {
	digits := strings.TrimRight(text, "bBiIkKmMgGtTpPeE")
	unit := strings.ToUpper(text[len(digits):])
	value, err := strconv.ParseFloat(digits, 64)
	if err != nil || value < 0 {
		return 0, fmt.Errorf("bad numeric value '%s'", text)
	}
	shift := 0
	if unit != "" && unit != "B" {
		shift = strings.IndexByte("KMGTPE", unit[0]) + 1
		if rest := unit[1:]; shift == 0 || rest != "" && rest != "B" && rest != "IB" {
			return 0, fmt.Errorf("invalid numeric suffix '%s'", text[len(digits):])
		}
	}
	if !strings.Contains(digits, ".") {
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n > math.MaxInt64>>(10*shift) {
			return 0, fmt.Errorf("numeric value is too large")
		}
		return n << (10 * shift), nil
	}
	return int64(math.Ldexp(value, 10*shift)), nil
}

// nice writes a number as zfs does for people: at most five characters.
func nice(n int64) string {
	unit := 0
	for v := n; v >= 1024 && unit < 6; v >>= 10 {
		unit++
	}
	if unit == 0 {
		return fmt.Sprintf("%dB", n)
	}
	letter := string("BKMGTPE"[unit])
	if size := int64(1) << (10 * unit); n%size == 0 {
		return strconv.FormatInt(n/size, 10) + letter
	}
	value := math.Ldexp(float64(n), -10*unit)
	for precision := 2; precision >= 0; precision-- {
		if text := strconv.FormatFloat(value, 'f', precision, 64) + letter; len(text) <= 5 {
			return text
		}
	}
	return strconv.FormatInt(n>>(10*unit), 10) + letter
}
