package main

import "github.com/spf13/cobra"

func (c *command) graph() *cobra.Command   { return &cobra.Command{Use: "graph"} }
func (c *command) explain() *cobra.Command { return &cobra.Command{Use: "explain"} }
