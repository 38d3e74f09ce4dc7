// Package all lists every kind there is.
package all

import (
	"bisc/modules"
	"bisc/modules/eos"
	"bisc/modules/files"
	"bisc/modules/network"
	"bisc/modules/relay"
	"bisc/modules/storage"
	"bisc/modules/system"
	"bisc/modules/systemd"
)

// Registry is the kinds that a plan may use, in the order of the documents.
func Registry() modules.Registry {
	return modules.NewRegistry(
		storage.ZpoolKind,
		storage.ZvolKind,
		storage.ZFSDatasetKind,
		storage.FilesystemKind,
		storage.RamdiskKind,
		storage.MountKind,
		storage.BindKind,
		storage.TmpfsKind,
		storage.DirectoryKind,
		systemd.UnitKind,
		systemd.DropInKind,
		systemd.TimerKind,
		systemd.ServiceKind,
		files.FileKind,
		system.KernelModuleKind,
		system.SysctlKind,
		system.UserKind,
		system.PackageKind,
		files.CommandKind,
		relay.BinaryKind,
		relay.ServiceKind,
		relay.FlowKind,
		network.NATRuleKind,
		network.FilterRuleKind,
		network.IPAddressKind,
		network.IPRouteKind,
		network.IPRuleKind,
		network.RouteTableKind,
		network.GRETunnelKind,
		network.FirewalldPolicyKind,
		network.ConntrackFlowKind,
		eos.OwnershipKind,
		eos.SectionKind,
		eos.LinesKind,
		eos.ACLKind,
		eos.VRFKind,
		eos.TunnelKind,
		eos.EventHandlerKind,
		eos.TrafficPolicyKind,
		eos.InterfaceKind,
		eos.MonitorKind,
		eos.StaticRouteKind,
		eos.DaemonKind,
		eos.SavedKind,
	)
}
