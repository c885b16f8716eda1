# What is installed beside the program, and how; and what packages are made of.

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

dist_man_MANS = $(MAN_PAGES)
dist_pkgdata_DATA = $(SCHEMAS)

# The completions are made by a program that has the commands' tables in it. Releases bring them along
# for builds that cannot run that program.
bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = completions/bash/teredoctl
zshcompletiondir = $(datadir)/zsh/site-functions
dist_zshcompletion_DATA = completions/zsh/_teredoctl
fishcompletiondir = $(datadir)/fish/vendor_completions.d
dist_fishcompletion_DATA = completions/fish/teredoctl.fish
completions = $(dist_bashcompletion_DATA) $(dist_zshcompletion_DATA) $(dist_fishcompletion_DATA)
make_completions_SOURCES = $(MAKE_COMPLETIONS_SOURCES) $(CMD_SOURCES)
make_completions_LDADD = $(layers)
if !CROSS_COMPILING
completions/bash/teredoctl: completions/bash/teredoctl.in
completions/zsh/_teredoctl: completions/zsh/_teredoctl.in
completions/fish/teredoctl.fish: completions/fish/teredoctl.fish.in
$(completions): make_completions$(EXEEXT)
	$(AM_V_at)$(MKDIR_P) $(@D)
	$(AM_V_GEN)./make_completions$(EXEEXT) <$(srcdir)/$@.in >$@.new && mv $@.new $@
endif

examplesdir = $(docdir)/examples

install-data-local:
	@$(MKDIR_P) "$(DESTDIR)$(examplesdir)/systemd"
	@for file in $(SYSTEMD_UNITS); do \
		unit="$(DESTDIR)$(examplesdir)/systemd/`basename $$file .in`"; \
		sed -e '/^@sandbox@$$/r $(srcdir)/packaging/systemd/sandbox' -e '/^@sandbox@$$/d' \
			-e 's|@bindir[@]|$(bindir)|g' "$(srcdir)/$$file" >"$$unit" && chmod 644 "$$unit" || exit 1; \
	done

# The directories too, where nothing else is in them and no one else can want them.
uninstall-local:
	@for file in $(SYSTEMD_UNITS); do \
		rm -f "$(DESTDIR)$(examplesdir)/systemd/`basename $$file .in`" || exit 1; \
	done

uninstall-hook:
	@for dir in '$(examplesdir)/systemd' '$(examplesdir)' '$(docdir)' '$(pkgdatadir)'; do \
		test ! -d "$(DESTDIR)$$dir" || rmdir "$(DESTDIR)$$dir" 2>/dev/null || :; \
	done
