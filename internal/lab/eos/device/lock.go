package device

import "time"

// lock is the lock on the configuration (eos.md B.1; json/curated/configuration-lock.json). It belongs to a context of the
// command line, not to a user: a second connection of the same user is refused (eos.md B.4, arista.eos 409).
type lock struct {
	holder      *Shell
	user, tty   string
	transaction string
	reason      string
	since       time.Time
}

// held refuses a change of the configuration by a context that does not hold the lock ([I] for the words).
func (d *Device) held(by *Shell) error {
	if l := d.lock; l != nil && l.holder != by {
		return failed("Unable to run this command: the configuration is locked by user %s on %s (transaction %s)", l.user, l.tty, l.transaction)
	}
	return nil
}

func (d *Device) acquire(by *Shell, transaction, reason string) error {
	if l := d.lock; l != nil {
		if l.holder == by && l.transaction == transaction {
			return nil
		}
		return failed("Unable to acquire configuration lock: it is held by user %s on %s (transaction %s)", l.user, l.tty, l.transaction)
	}
	d.lock = &lock{holder: by, user: by.user, tty: by.tty, transaction: transaction, reason: reason, since: d.o.Now()}
	d.syslog("ConfigAgent", "SYS-5-CONFIG_LOCKED", "Configuration locked by user %s on %s", by.user, by.where())
	return nil
}

func (d *Device) unlock(by *Shell, transaction string) error {
	switch l := d.lock; {
	case l == nil:
		return failed("Configuration is not locked")
	case l.holder != by || l.transaction != transaction:
		return failed("Unable to release configuration lock: it is held by user %s on %s (transaction %s)", l.user, l.tty, l.transaction)
	}
	d.lock = nil
	d.syslog("ConfigAgent", "SYS-5-CONFIG_UNLOCKED", "Configuration unlocked by user %s on %s", by.user, by.where())
	return nil
}
