# What is installed beside the program, and what packages are made of.

DEBIAN_FILES = \
	packaging/debian/README.Debian \
	packaging/debian/changelog \
	packaging/debian/control \
	packaging/debian/copyright \
	packaging/debian/rules \
	packaging/debian/source/format \
	packaging/debian/teredoctl.docs \
	packaging/debian/teredoctl.postinst \
	packaging/debian/tests/cli \
	packaging/debian/tests/control

MAN_PAGES = \
	man/teredo.7 \
	man/teredoctl-addr.1 \
	man/teredoctl-bubble.1 \
	man/teredoctl-check.1 \
	man/teredoctl-classify.1 \
	man/teredoctl-decode.1 \
	man/teredoctl-help.1 \
	man/teredoctl-lab.1 \
	man/teredoctl-listen.1 \
	man/teredoctl-qualify.1 \
	man/teredoctl-serve.1 \
	man/teredoctl-trace.1 \
	man/teredoctl.1
SCHEMAS = \
	schema/teredoctl.schema.json
# Examples of units. @bindir@ in them is filled in when they are installed, and @sandbox@ is what is
# in the file of that name.
SYSTEMD_UNITS = \
	packaging/systemd/teredoctl-check@.service.in \
	packaging/systemd/teredoctl-check@.timer.in \
	packaging/systemd/teredoctl-listen@.service.in \
	packaging/systemd/teredoctl-serve@.service.in
COMPLETION_TEMPLATES = \
	completions/bash/teredoctl.in \
	completions/fish/teredoctl.fish.in \
	completions/zsh/_teredoctl.in
