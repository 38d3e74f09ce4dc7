package kube

import (
	"fmt"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
)

// LabelSelector is metav1's, without what that package brings along (an HTTP client among it).
type LabelSelector struct {
	MatchLabels      map[string]string `json:"matchLabels"`
	MatchExpressions []struct {
		Key      string   `json:"key"`
		Operator string   `json:"operator"` // In, NotIn, Exists, DoesNotExist
		Values   []string `json:"values"`
	} `json:"matchExpressions"`
}

// parse makes a selector of it, as the API server does; all of it must hold.
func (s LabelSelector) parse() (labels.Selector, error) {
	out := labels.SelectorFromSet(s.MatchLabels)
	operators := map[string]selection.Operator{"In": selection.In, "NotIn": selection.NotIn, "Exists": selection.Exists, "DoesNotExist": selection.DoesNotExist}
	for _, e := range s.MatchExpressions {
		operator, ok := operators[e.Operator]
		if !ok {
			return nil, fmt.Errorf("a selector with the operator %q is not understood", e.Operator)
		}
		r, err := labels.NewRequirement(e.Key, operator, e.Values)
		if err != nil {
			return nil, fmt.Errorf("the selector of %s: %w", e.Key, err)
		}
		out = out.Add(*r)
	}
	return out, nil
}
