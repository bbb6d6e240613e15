# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Every task is a target; `make help` lists them. Each target first installs what it needs and does
# not find (dist/deps.sh). Objects live under build/, those of another flavour (FLAVOUR=asan) or
# machine (ARCH=arm64) in a directory of their own there.

VERSION := 0.1.0

PREFIX  ?= /usr/local
DESTDIR ?=

machines := x86_64:amd64 amd64:amd64 aarch64:arm64 arm64:arm64
machine   = $(patsubst $(1):%,%,$(filter $(1):%,$(machines)))
native   := $(call machine,$(shell uname -m))
target   := $(if $(ARCH),$(call machine,$(ARCH)),$(native))
ifeq ($(target),)
$(error imdstrace is built for amd64 and arm64, not for "$(or $(ARCH),$(shell uname -m))")
endif

out := build$(if $(ARCH),/$(target))$(addprefix /,$(FLAVOUR))
obj := $(out)/obj$(if $(STATIC),-static)

triple-amd64   := x86_64-linux-gnu
triple-arm64   := aarch64-linux-gnu
bpf-arch-amd64 := x86
bpf-arch-arm64 := arm64

# What is static, or for a foreign machine, is made by the compilers and of the libraries that
# dist/debian.pins names, so that every machine makes the same bytes. STATIC=1 stands for that.
cross := $(filter-out $(native),$(target))
ifneq ($(STATIC)$(cross),)
sysroot   := build/sysroot/$(target)
toolchain := build/toolchain/$(if $(cross),$(native)-$(cross),$(native))
triple    := $(triple-$(target))
tool      := env -u LIBRARY_PATH -u CPATH -u C_INCLUDE_PATH -u COMPILER_PATH \
	LD_LIBRARY_PATH=$(toolchain)/usr/lib/$(triple-$(native)):$(toolchain)/lib/$(triple-$(native))
CC        := $(tool) $(toolchain)/usr/bin/$(triple)-gcc-12
AR        := $(tool) $(toolchain)/usr/bin/$(triple)-ar
OBJCOPY   := $(tool) $(toolchain)/usr/bin/$(triple)-objcopy
READELF   := $(tool) $(toolchain)/usr/bin/$(triple)-readelf
BPF_CLANG ?= $(tool) $(toolchain)/usr/lib/llvm-14/bin/clang
BPFTOOL   ?= $(tool) $(toolchain)/usr/sbin/bpftool
# The assembler and the linker are found there, too, and not in the machine's own directories.
own-tools := $(if $(cross),,-B$(toolchain)/usr/bin/)
sysroot-cppflags := $(own-tools) --sysroot=$(sysroot) -isystem $(sysroot)/usr/lib/gcc/$(triple)/12/include \
	-isystem $(sysroot)/usr/include/$(triple) -isystem $(sysroot)/usr/include
sysroot-ldflags  := $(own-tools) -B$(sysroot)/usr/lib/$(triple)/ -B$(sysroot)/usr/lib/gcc/$(triple)/12/ \
	-L$(sysroot)/usr/lib/$(triple)
pinned := $(sysroot) $(toolchain)
endif

# Debian keeps bpftool where only root looks.
export PATH := $(PATH):/usr/sbin:/sbin

BPF_CLANG ?= clang
BPFTOOL   ?= bpftool
CFLAGS    ?= -O2 -g
BPF_CFLAGS ?= -O2 -g -mcpu=v3

warnings := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes $(if $(CI),-Werror)
# Paths of this machine stay out of what is built.
reproducible := '-ffile-prefix-map=$(CURDIR)=.'

cppflags := -D_GNU_SOURCE -Iinclude -Iuser -I$(obj) -DIMDSTRACE_VERSION='"$(VERSION)"' $(sysroot-cppflags) $(CPPFLAGS)
cflags   := -std=gnu11 $(warnings) $(reproducible) $(CFLAGS)
ldflags  := -Wl,-z,relro,-z,now $(sysroot-ldflags) $(LDFLAGS)
ifeq ($(FLAVOUR),fuzz)
CC       := $(BPF_CLANG)
cflags   += -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
else ifeq ($(FLAVOUR),asan)
cflags   += -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
else
cppflags += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
cflags   += -fPIE -fstack-protector-strong
endif
libs := -lbpf -lelf -lz -ljansson

# libbpf's own macros declare constants that they do not initialise, which clang 21 warns of.
bpf-cflags := -target bpf -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Wno-unknown-warning-option \
	-Wno-default-const-init-var-unsafe $(if $(CI),-Werror) $(reproducible) $(addprefix --sysroot=,$(sysroot)) \
	-D__TARGET_ARCH_$(bpf-arch-$(target)) -I. -Iinclude -Ibpf $(BPF_CFLAGS)

sources := $(wildcard user/*/*.c)
objects := $(sources:%.c=$(obj)/%.o)
scripts := $(wildcard .ci/run dist/*.sh dist/*.bash dist/deb/p* tests/run tests/*.sh tests/*/*.sh tests/kernels/init)

unit    := $(patsubst %.c,$(out)/%,$(wildcard tests/unit/test_*.c))
e2e     := $(patsubst %.c,$(out)/%,$(wildcard tests/e2e/test_*.c)) $(wildcard tests/e2e/test_*.sh)
wire    := $(wildcard tests/wire/*.c)
# What the measurements share.
of-bench := tests/bench/bench.c tests/bench/empty.c
bench    := $(patsubst %.c,$(out)/%,$(filter-out $(of-bench),$(wildcard tests/bench/*.c)))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += -r
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

silent = $(findstring s,$(firstword -$(MAKEFLAGS)))
quiet = @$(if $(V)$(silent),:,echo "  $(1)	$(patsubst build/%,%,$@)";)

all: $(out)/imdstrace ## build build/imdstrace (the default)

static: $(out)/imdstrace-static ## build build/imdstrace-static, which needs no library; ARCH=arm64: build/arm64/imdstrace-static

deps-%:
	@dist/deps.sh $*

needs := $(or $(pinned),deps-build)

ifneq ($(pinned),)
$(sysroot): dist/debian.pins | deps-debian
	$(call quiet,SYSROOT)
	@dist/debian.sh pinned bookworm $(target) $@ sysroot && touch $@

$(toolchain): dist/debian.pins | deps-debian
	$(call quiet,TOOLS)
	@dist/debian.sh pinned bookworm $(native) $@ gcc llvm clang $(if $(cross),cross) && touch $@
endif

# What was compiled with other flags is stale.
$(obj)/flags: always
	@mkdir -p $(@D)
	@echo $(call shell-word,$(CC) $(cppflags) $(cflags) $(bpf-cflags)) | cmp -s - $@ || \
	echo $(call shell-word,$(CC) $(cppflags) $(cflags) $(bpf-cflags)) >$@

# Three objects of one source, for kernels that have bpf_loop() and bpf_preempt_disable(), the first
# alone, and neither (bpf/loop.h, bpf/imdstrace.bpf.c). private, because $(obj)/flags is the same for all.
bpf-objects := imdstrace imdstrace_loops imdstrace_rounds
$(obj)/imdstrace.bpf.o: private bpf-cflags += -DLOOP_BY_HELPER -DPREEMPT_KFUNCS
$(obj)/imdstrace_loops.bpf.o: private bpf-cflags += -DLOOP_BY_HELPER
$(bpf-objects:%=$(obj)/%.bpf.o): bpf/imdstrace.bpf.c $(obj)/flags | $(needs)
	$(call quiet,BPF)
	$(if $(V),,@)$(BPF_CLANG) $(bpf-cflags) -MMD -MP -c $< -o $@

# Linking drops the debug sections and keeps the BTF.
$(obj)/%.linked.o: $(obj)/%.bpf.o
	$(call quiet,LINK)
	$(if $(V),,@)$(BPFTOOL) gen object $@ $<

# Without the object's bytes, of which the program holds three times less, compressed.
$(obj)/%.skel.h: $(obj)/%.linked.o
	$(call quiet,SKEL)
	$(if $(V),,@)$(BPFTOOL) gen skeleton $< name $*_bpf >$@.whole
	@sed '/^static inline const void \*$*_bpf__elf_bytes(size_t \*sz)$$/,/^}/c\
	static inline const void *$*_bpf__elf_bytes(size_t *sz) { *sz = 0; return NULL; }' $@.whole >$@
	@rm $@.whole

$(obj)/%.linked.o.gz: $(obj)/%.linked.o
	$(call quiet,GZIP)
	$(if $(V),,@)gzip -9nc $< >$@

$(obj)/%.o: %.c $(obj)/flags | $(needs)
	$(call quiet,CC)
	@mkdir -p $(@D)
	$(if $(V),,@)$(CC) $(cppflags) $(cflags) -MMD -MP -c $< -o $@

# Before the first build nobody knows who includes the skeleton.
$(patsubst %.c,$(obj)/%.o,$(shell grep -ls 'imdstrace\.skel\.h\|bpf_object\.h' $(sources))): \
	$(bpf-objects:%=$(obj)/%.skel.h)

-include $(wildcard $(obj)/*.d $(obj)/*/*.d $(obj)/*/*/*.d)

$(out)/imdstrace: $(objects)
	$(call quiet,LINK)
	$(if $(V),,@)$(CC) $(cflags) -pie $(ldflags) $^ $(libs) -o $@

# One at a time: both are made of the same objects.
ifeq ($(pinned),)
$(out)/imdstrace-static $(out)/tests/wire $(out)/tests/verify: always
	@mkdir -p $(out)
	@flock $(out) $(MAKE) --no-print-directory STATIC=1 $@
else
$(out)/imdstrace-static: $(objects)
	$(call quiet,LINK)
	$(if $(V),,@)$(CC) $(cflags) -static-pie $(ldflags) -Wl,-Map=$@.map $^ $(libs) -o $@
endif

# The programs of the tests. Each takes from user/ what it calls, and what that calls, and the tests' metadata
# service.

modules := $(obj)/user.a

$(modules): $(filter-out $(obj)/user/cmd/main.o,$(objects)) $(obj)/tests/service/service.o
	$(call quiet,AR)
	@rm -f $@
	$(if $(V),,@)$(AR) rcsD $@ $^

$(out)/tests/unit/%: $(obj)/tests/unit/%.o $(modules)
	$(call quiet,LINK)
	@mkdir -p $(@D)
	$(if $(V),,@)$(CC) $(cflags) $(ldflags) $^ $(libs) -lcmocka -o $@

$(out)/tests/e2e/%: $(obj)/tests/e2e/%.o $(modules)
	$(call quiet,LINK)
	@mkdir -p $(@D)
	$(if $(V),,@)$(CC) $(cflags) $(ldflags) $^ $(libs) -o $@

$(out)/tests/bench/%: $(obj)/tests/bench/%.o $(of-bench:%.c=$(obj)/%.o) $(modules)
	$(call quiet,LINK)
	@mkdir -p $(@D)
	$(if $(V),,@)$(CC) $(cflags) $(ldflags) $^ $(libs) -o $@

# What is embedded by .incbin, which the compiler's list of dependencies leaves out.
$(obj)/user/trace/bpf_object.o: $(bpf-objects:%=$(obj)/%.linked.o.gz)

page := user/render/html/page.css user/render/html/page.js

$(obj)/user/render/html_page.o: $(page) $(obj)/page_hashes.h

# The page's policy names what it allows by SHA-256 in base64.
sha256-base64 = env printf "$$(sha256sum $(1) | cut -c-64 | sed 's/../\\x&/g')" | base64

$(obj)/page_hashes.h: $(page)
	@mkdir -p $(@D)
	@{ echo "#define STYLE_SHA256 \"$$($(call sha256-base64,user/render/html/page.css))\"" && \
	echo "#define SCRIPT_SHA256 \"$$($(call sha256-base64,user/render/html/page.js))\""; } >$@

# Static, because it also runs in a virtual machine that holds nothing else.
ifneq ($(pinned),)
$(out)/tests/wire: $(wire:%.c=$(obj)/%.o) $(modules)
	$(call quiet,LINK)
	@mkdir -p $(@D)
	$(if $(V),,@)$(CC) $(cflags) -static-pie $(ldflags) $^ $(libs) -o $@

$(out)/tests/verify: $(obj)/tests/compilers/verify.o $(modules)
	$(call quiet,LINK)
	@mkdir -p $(@D)
	$(if $(V),,@)$(CC) $(cflags) -static-pie $(ldflags) $^ $(libs) -o $@
endif

$(patsubst %.c,$(obj)/%.o,$(wildcard tests/unit/*.c)): | deps-unit

# The tests. tests/run takes programs, and variables for those that follow; its last line is the sum.

# What other programs make of a report: sanitizers would see nothing there that the unit tests do not.
of-others := tests/e2e/test_html.sh tests/e2e/test_prometheus.sh tests/e2e/test_monitors.sh tests/e2e/test_engines.sh

# What is the same whatever the program was built with.
of-docs := tests/e2e/test_exit_status.sh tests/e2e/test_manual.sh tests/e2e/test_completion.sh tests/e2e/test_ssm.sh

# What the kernel's verifier says: each of its runs waits for the kernel, and little of it is ours.
of-kernel := tests/e2e/test_refused.sh

asan := $(patsubst build/%,build/asan/%,$(filter build/%,$(out)/imdstrace $(unit) $(e2e)))

check: $(out)/imdstrace $(out)/tests/wire $(unit) $(e2e) | deps-e2e ## run the unit and end-to-end tests, plain and with sanitizers (root)
	@$(MAKE) --no-print-directory FLAVOUR=asan $(asan)
	@tests/run TIMEOUT=600 WIRE=$(out)/tests/wire IMDSTRACE=$(out)/imdstrace $(unit) $(e2e) \
		IMDSTRACE=build/asan/imdstrace WIRE_COUNT=1000 FLOOD_REQUESTS=5000 FLEET_HOSTS=500 \
		$(unit:build/%=build/asan/%) $(filter-out $(of-others) $(of-docs) $(of-kernel),$(e2e:build/%=build/asan/%))

check-unit: $(unit) ## run the unit tests alone
	@tests/run $(unit)

# Not by valgrind: exec that fails ends it (test_command), and it misreads the calls that a filter and Landlock
# are tried with (test_confinement).
memcheck := $(patsubst $(out)/tests/unit/%,$(out)/memcheck/%,$(filter-out %/test_command %/test_confinement,$(unit)))

# The first error ends a child, too, which its test then misses.
$(out)/memcheck/%: $(out)/tests/unit/% always | deps-valgrind
	@mkdir -p $(@D)
	@TIMEOUT=1800 UNDER='valgrind -q --leak-check=full --error-exitcode=99 --exit-on-first-error=yes' \
		tests/run $< >$@ || { cat $@; false; }

check-valgrind: $(memcheck) ## run the unit tests alone under valgrind
	@cat $^ | awk '/^ok/ { print } / passed, .* skipped$$/ && !/:/ { p += $$1; s += $$5 } END { print p " passed, 0 failed, " s " skipped" }'

check-e2e: $(out)/imdstrace $(out)/tests/wire $(e2e) | deps-e2e ## run the end-to-end tests alone (root)
	@tests/run WIRE=$(out)/tests/wire IMDSTRACE=$(out)/imdstrace $(e2e)

check-asan: $(out)/tests/wire | deps-e2e ## run both with sanitizers alone (root)
	@$(MAKE) --no-print-directory FLAVOUR=asan $(asan)
	@tests/run WIRE=$(out)/tests/wire IMDSTRACE=build/asan/imdstrace $(unit:build/%=build/asan/%) \
		$(filter-out $(of-others) $(of-docs) $(of-kernel),$(e2e:build/%=build/asan/%))

check-clients: $(out)/imdstrace $(out)/tests/wire | deps-e2e ## trace real clients from the distribution (root, downloads them)
	@tests/run TIMEOUT=900 WIRE=$(out)/tests/wire IMDSTRACE=$(out)/imdstrace $(wildcard tests/clients/test_*.sh)

other := $(filter-out $(native),amd64 arm64)

check-report: $(out)/imdstrace $(out)/tests/wire | deps-e2e deps-report ## open the reports in Chromium and promtool (root, downloads them)
	@tests/run WIRE=$(out)/tests/wire IMDSTRACE=$(out)/imdstrace $(of-others)

# By every compiler that someone may build with. $(out)/tests/verify loads them on a kernel.
by-others := build/$(target)/compilers/made

compilers: $(by-others) ## compile the BPF objects by every clang of Debian 12, 13 and sid (downloads them)

$(by-others): $(wildcard bpf/* include/*.h) vmlinux.h tests/compilers/compile.sh $(obj)/flags | $(needs) deps-debian
	@BPF_FLAGS=$(call shell-word,$(bpf-cflags)) BPFTOOL=$(call shell-word,$(BPFTOOL)) tests/compilers/compile.sh $(target) $(@D)
	@touch $@

check-kernels: ## run the suites of tests/kernels in virtual machines, one for each kernel (downloads them)
	@$(MAKE) --no-print-directory static compilers $(out)/tests/wire $(out)/tests/verify
	@$(MAKE) --no-print-directory static compilers build/$(other)/tests/wire build/$(other)/tests/verify ARCH=$(other)
	@tests/kernels/test_kernels.sh

check-kubernetes: $(out)/imdstrace $(out)/tests/wire | deps-e2e deps-kubernetes ## hold dist/kubernetes against the API's schemas, and run its container here and on a node in a virtual machine (root, downloads them)
	@$(MAKE) --no-print-directory static
	@tests/run TIMEOUT=900 WIRE=$(out)/tests/wire IMDSTRACE=$(out)/imdstrace $(wildcard tests/kubernetes/test_*.sh)

check-systemd: ## boot Debian 12 and 13 with the unit in virtual machines (root, downloads them)
	@$(MAKE) --no-print-directory static
	@tests/systemd/test_unit.sh

# The version that the packages are upgraded to.
next := $(VERSION).1

check-packages: packages ## install, upgrade and remove the packages under Debian 12 and 13 in virtual machines (root, downloads them)
	@$(MAKE) --no-print-directory packages FLAVOUR=next VERSION=$(next)
	@OLD=$(out) NEW=build/next tests/systemd/test_packages.sh

LOAD_CALLS ?= 1000

check-load: ## trace LOAD_CALLS (1000) calls beside each load in virtual machines: by every kernel, attach mode and model of preemption
	@$(MAKE) --no-print-directory static $(out)/tests/wire
	@$(MAKE) --no-print-directory static build/$(other)/tests/wire ARCH=$(other)
	@LOAD=$(LOAD_CALLS) tests/kernels/test_kernels.sh

STRESS_SECONDS ?= 3600

check-stress: ## rehearse for STRESS_SECONDS (3600) beside threads that share connections, short of memory, on the oldest and the newest kernel in virtual machines
	@$(MAKE) --no-print-directory static $(out)/tests/wire
	@STRESS=$(STRESS_SECONDS) tests/kernels/test_kernels.sh

SOAK_SECONDS ?= 3600

soak: $(out)/imdstrace $(out)/tests/wire | deps-e2e ## trace 1,000 calls a second for SOAK_SECONDS (3600), and see that memory and maps do not grow (root)
	@tests/run TIMEOUT=$$((2 * $(SOAK_SECONDS) + 300)) SOAK_SECONDS=$(SOAK_SECONDS) WIRE=$(out)/tests/wire IMDSTRACE=$(out)/imdstrace tests/soak/test_soak.sh

soak-machine: ## the same in a virtual machine, by fentry, 200 calls a second
	@$(MAKE) --no-print-directory static $(out)/tests/wire
	@SOAK_SECONDS=$(SOAK_SECONDS) tests/soak/machine.sh

check-release: release | deps-check-release ## check build/release: the packages, the image, install.sh, and that another folder makes the same bytes
	@tests/run TIMEOUT=900 $(wildcard tests/dist/test_*.sh)

check-distros: ## build, test and trace in bare roots of Debian 12, 13 and sid (root, downloads them)
	@tests/distros/test_distros.sh

kernels-table: ## put what the last check-kernels saw into the manual
	tests/docs/manual.py kernels dist/imdstrace.8 build/kernels.md

clients-table: ## put what came of the clients that the last check-clients rehearsed into the manual
	tests/docs/manual.py table clients dist/imdstrace.8 build/clients.md

bench-table: ## put what the last bench measured into the manual
	tests/docs/manual.py bench dist/imdstrace.8 build/bench.txt

demo: $(out)/imdstrace ## trace four sample clients in a private network and print the report (root)
	@$(out)/imdstrace demo

bench: $(out)/imdstrace $(out)/imdstrace-static $(out)/tests/wire $(bench) | deps-e2e deps-bench ## measure what tracing costs (root)
	@WIRE=$(out)/tests/wire IMDSTRACE=$(out)/imdstrace bash -o pipefail -c 'tests/bench/run | tee build/bench.txt'

FUZZ_SECONDS ?= 60
fuzzers := $(patsubst %.c,$(out)/%,$(wildcard tests/fuzz/fuzz_*.c))
readers := $(filter-out tests/fuzz/fuzz_%,$(wildcard tests/fuzz/*.c))

fuzz: $(fuzzers) ## run each fuzzer for FUZZ_SECONDS (60)
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run.sh $^

# The reader of reports and the formats behind it, with all that they call, instrumented.
ifneq ($(FLAVOUR),fuzz)
$(out)/tests/fuzz/fuzz_reports: always | deps-build deps-fuzz
	@$(MAKE) --no-print-directory FLAVOUR=fuzz build/fuzz/tests/fuzz/fuzz_reports
	@mkdir -p $(@D) && cp build/fuzz/tests/fuzz/fuzz_reports $@
else
$(out)/tests/fuzz/fuzz_reports: $(obj)/tests/fuzz/fuzz_reports.o $(filter-out $(obj)/user/cmd/% $(obj)/user/demo/% $(obj)/user/trace/%,$(objects))
	$(call quiet,LINK)
	@mkdir -p $(@D)
	$(if $(V),,@)$(CC) $(cflags) $(ldflags) -fsanitize=fuzzer $^ $(libs) -o $@
endif

$(out)/tests/fuzz/%: tests/fuzz/%.c $(readers) \
		$(wildcard tests/fuzz/*.h include/*.h) $(obj)/flags | deps-build deps-fuzz
	$(call quiet,FUZZ)
	@mkdir -p $(@D)
	$(if $(V),,@)$(BPF_CLANG) $(filter-out -fPIE,$(cppflags) $(cflags)) -O1 -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all $(filter %.c,$^) -ljansson -lz -lhttp_parser -o $@

# What an installation carries.

bindir  := $(PREFIX)/bin
schemas := $(notdir $(wildcard dist/schema/*.json))
carried := bin/imdstrace share/man/man8/imdstrace.8 share/man/man5/imdstrace-report.5 \
	share/bash-completion/completions/imdstrace share/zsh/site-functions/_imdstrace \
	share/fish/vendor_completions.d/imdstrace.fish lib/systemd/system/imdstrace.service \
	share/doc/imdstrace/LICENSE $(addprefix share/imdstrace/schema/,$(schemas))

# A word of the shell, whatever is in it.
shell-word = '$(subst ','\'',$(1))'
carry      = $(call shell-word,$(DESTDIR)$(1))

install: $(out)/imdstrace install-carried ## install below PREFIX (/usr/local), in DESTDIR
	install -D -m 0755 $(out)/imdstrace $(call carry,$(bindir)/imdstrace)

install-carried:
	install -D -m 0644 dist/imdstrace.8 $(call carry,$(PREFIX)/share/man/man8/imdstrace.8)
	install -D -m 0644 dist/imdstrace-report.5 $(call carry,$(PREFIX)/share/man/man5/imdstrace-report.5)
	install -d $(call carry,$(PREFIX)/share/imdstrace/schema)
	install -m 0644 dist/schema/*.json $(call carry,$(PREFIX)/share/imdstrace/schema)
	install -D -m 0644 dist/imdstrace.zsh $(call carry,$(PREFIX)/share/zsh/site-functions/_imdstrace)
	install -D -m 0644 dist/imdstrace.fish $(call carry,$(PREFIX)/share/fish/vendor_completions.d/imdstrace.fish)
	install -D -m 0644 dist/imdstrace.bash $(call carry,$(PREFIX)/share/bash-completion/completions/imdstrace)
	install -D -m 0644 LICENSE $(call carry,$(PREFIX)/share/doc/imdstrace/LICENSE)
	sed 's|@bindir@|$(bindir)|' dist/imdstrace.service | \
		install -D -m 0644 /dev/stdin $(call carry,$(PREFIX)/lib/systemd/system/imdstrace.service)

uninstall: ## remove what install installed
	rm -f $(foreach file,$(carried),$(call carry,$(PREFIX)/$(file)))

dist: ## pack the committed sources into build/imdstrace-VERSION.tar.gz
	@mkdir -p build
	git archive --prefix=imdstrace-$(VERSION)/ HEAD | gzip -9n >build/imdstrace-$(VERSION).tar.gz

# Packages hold the static program, so that one of each serves every release.
MAINTAINER ?= the imdstrace authors <imdstrace@packages.invalid>
root       := $(out)/package
# The libraries that are linked into it, by the packages that they come from.
linked     := libbpf-dev libelf-dev zlib1g-dev libjansson-dev libc6-dev

packages: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
packages: export MAINTAINER := $(MAINTAINER)
packages: $(root) | deps-packages ## build a .deb and an .rpm of the static program, each with its debug symbols; ARCH=arm64 as well
	dist/packages.sh $(VERSION) $(target) $(out)

ifeq ($(pinned),)
$(root): always
	@mkdir -p $(out)
	@flock $(out) $(MAKE) --no-print-directory STATIC=1 $@
else
# What an installation below /usr has, and beside it the debug symbols where debuggers look for them.
$(root): $(out)/imdstrace-static always
	$(call quiet,PACK)
	@rm -rf $@ $@-debug
	@$(MAKE) -s install-carried DESTDIR=$@ PREFIX=/usr
	@find $@/usr/share/man -type f -exec gzip -9n {} +
	@install -m 0644 CHANGELOG.md $@/usr/share/doc/imdstrace/
	@for package in $(linked); do \
		install -D -m 0644 $(sysroot)/usr/share/doc/$$package/copyright $@/usr/share/doc/imdstrace/third-party/$$package || exit; \
	done
	@install -d $@/usr/bin
	@$(OBJCOPY) --strip-all --remove-section=.comment $< $@/usr/bin/imdstrace
	@id=$$($(READELF) -n $< | sed -n 's/.*Build ID: //p') && debug=$@-debug/usr/lib/debug/.build-id/$$(echo $$id | cut -c 1-2) && \
	install -d $$debug && $(OBJCOPY) --only-keep-debug --compress-debug-sections $< $$debug/$$(echo $$id | cut -c 3-).debug && \
	chmod 0644 $$debug/* && chmod -R u=rwX,go=rX $@ $@-debug
endif

release: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
release: ## put tarballs, packages, image, sums and SPDX document for both machines into build/release; SIGN=COMMAND signs the sums
	@$(MAKE) --no-print-directory packages
	@$(MAKE) --no-print-directory packages ARCH=$(other)
	dist/release.sh $(VERSION) build/release $(native)=build $(other)=build/$(other)

formatted := $(filter-out vmlinux.h,$(wildcard bpf/*.[ch] include/*.h user/*/*.[ch] tests/*/*.[ch]))

# The same versions on every machine, because no two format and find alike.
linters      := build/linters
linter       := LD_LIBRARY_PATH=$(linters)/usr/lib/$(triple-$(native)):$(linters)/lib/$(triple-$(native))
CLANG_FORMAT ?= $(linter) $(linters)/usr/bin/clang-format-14
SHELLCHECK   ?= $(linter) $(linters)/usr/bin/shellcheck

$(linters): dist/debian.pins | deps-debian
	$(call quiet,TOOLS)
	@dist/debian.sh pinned bookworm $(native) $@ lint llvm && touch $@

format: | $(linters) ## format the C sources
	$(CLANG_FORMAT) -i $(formatted)

lint: | $(linters) ## check the format, the scripts, the folders, the length of files, the pages and the licence lines
	$(CLANG_FORMAT) --dry-run --Werror $(formatted)
	$(SHELLCHECK) -x -P SCRIPTDIR -P . $(filter-out %.bash,$(scripts))
	$(SHELLCHECK) -s bash $(filter %.bash,$(scripts))
	tests/lint_folders.sh
	tests/lint_lines.sh $(formatted)
	tests/lint_pages.sh
	@! grep -L 'SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause' Makefile $(formatted) $(scripts) | grep .

analyzed := $(wildcard user/*/*.c tests/*/*.c)

# Not bpf/: gcc knows no CO-RE. With constants for what its builtins ask the kernel gcc 12 finds nothing there, and
# with unknown answers it needs minutes and gigabytes.

# What gcc 12 says wrongly of these sources, and why. leak: it loses a block that is put into an array that grew,
# and use-after-free takes the array that grew for the one that was. uninitialized, null: it takes -errno for 0, as
# if what failed had succeeded, and does not know what a rule's condition has seen before the rule writes.
analyzer := -fanalyzer -Werror -Wno-analyzer-malloc-leak -Wno-analyzer-use-after-free \
	-Wno-analyzer-use-of-uninitialized-value -Wno-analyzer-null-dereference -Wno-analyzer-null-argument \
	-Wno-analyzer-possible-null-argument -Wno-stringop-overread

# Of the tests: cmocka and http_parser are the machine's own; and a test without memory has failed.
$(out)/analyzed/tests/%.gcc: analyzer += -idirafter /usr/include
$(out)/analyzed/tests/unit/%.gcc: analyzer += -Wno-analyzer-possible-null-dereference
$(patsubst %.c,$(out)/analyzed/%.gcc,$(wildcard tests/unit/*.c)): | deps-unit
$(patsubst %.c,$(out)/analyzed/%.gcc,$(wildcard tests/fuzz/*.c)): | deps-fuzz

$(out)/analyzed/%.gcc: %.c always | $(needs) $(bpf-objects:%=$(obj)/%.skel.h) $(obj)/page_hashes.h
	@mkdir -p $(@D)
	$(if $(V),,@)$(CC) $(cppflags) -std=gnu11 $(warnings) -O1 $(analyzer) -S $< -o /dev/null

# Of libbpf it has tests/cppcheck.h: the skeletons' bytes would take it minutes.
cppcheck := cppcheck -q --enable=warning,performance,portability --std=c11 --max-configs=1 --error-exitcode=1 \
	--suppressions-list=tests/cppcheck.txt --include=tests/cppcheck.h -Iinclude

analyze-cppcheck: | deps-analyze
	$(cppcheck) -j2 -D_GNU_SOURCE -D__x86_64__ -DIMDSTRACE_VERSION='"$(VERSION)"' -Iuser -Itests/unit user \
		tests/wire tests/service tests/unit tests/e2e tests/bench tests/fuzz tests/fleet tests/compilers
	$(cppcheck) -D__bpf__ -DLOOP_BY_HELPER -DPREEMPT_KFUNCS -I. -Ibpf bpf/imdstrace.bpf.c

# By the pinned compiler, because no two find alike.
ifeq ($(pinned),)
analyze-gcc: always
	@mkdir -p $(out)
	@flock $(out) $(MAKE) --no-print-directory STATIC=1 $@
else
analyze-gcc: $(analyzed:%.c=$(out)/analyzed/%.gcc)
endif

# Which checks, and why not others, stands in .clang-tidy here, in bpf/ and in tests/. Of BPF it is given the object
# with bpf_loop() alone: each of the three takes it half a minute, and they differ in a few lines.
tidy := clang-tidy --quiet --warnings-as-errors="*"

analyze-tidy-bpf: | deps-build deps-analyze
	$(tidy) bpf/imdstrace.bpf.c -- $(bpf-cflags) -DLOOP_BY_HELPER -DPREEMPT_KFUNCS

analyze-tidy: analyze-tidy-bpf $(obj)/imdstrace.skel.h $(obj)/imdstrace_loops.skel.h $(obj)/imdstrace_rounds.skel.h $(obj)/page_hashes.h | deps-build deps-analyze deps-unit deps-fuzz
	printf '%s\n' $(analyzed) | xargs -P2 -n6 sh -c \
		'$(tidy) "$$@" -- -std=gnu11 -D_GNU_SOURCE -DIMDSTRACE_VERSION=\"\" -Iinclude -Iuser -I$(obj)' clang-tidy

analyze: analyze-cppcheck analyze-gcc analyze-tidy ## check the C sources, those of BPF and the tests, too, by cppcheck, clang-tidy and gcc's -fanalyzer

pins: | deps-debian ## bring dist/debian.pins up to what the mirror has
	dist/update_pins.sh

clean: ## remove build/
	rm -rf build

help: ## show this
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  \1	\2/p' $(MAKEFILE_LIST) | expand -t 18

always:
.PHONY: all static always compilers check check-unit check-valgrind check-e2e check-asan check-clients check-report check-kernels check-kubernetes check-systemd check-packages check-load check-stress soak soak-machine check-distros check-release kernels-table clients-table bench-table \
	demo bench fuzz \
	install install-carried uninstall dist packages release format lint analyze analyze-cppcheck analyze-gcc analyze-tidy analyze-tidy-bpf pins clean help
.PRECIOUS: $(obj)/%.o $(obj)/%.bpf.o $(obj)/%.linked.o $(obj)/%.skel.h
