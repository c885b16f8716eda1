# The tests, and what they read.

# One program each, of the source of the same name; what they share is in TEST_SUPPORT.
UNIT_TESTS = \
	tests/unit/test_address \
	tests/unit/test_bubble \
	tests/unit/test_bubble_book \
	tests/unit/test_capture \
	tests/unit/test_chart \
	tests/unit/test_check \
	tests/unit/test_chart_captured \
	tests/unit/test_clock_match \
	tests/unit/test_craft \
	tests/unit/test_cursor \
	tests/unit/test_endpoint \
	tests/unit/test_entropy \
	tests/unit/test_foreign \
	tests/unit/test_hash \
	tests/unit/test_heap \
	tests/unit/test_icmp4 \
	tests/unit/test_icmp6 \
	tests/unit/test_judges \
	tests/unit/test_ip \
	tests/unit/test_ip6_block \
	tests/unit/test_ip6_text \
	tests/unit/test_lab_datagram \
	tests/unit/test_lab_internet \
	tests/unit/test_lab_link \
	tests/unit/test_lab_pcap \
	tests/unit/test_lab_topology \
	tests/unit/test_line_limit \
	tests/unit/test_line_reader \
	tests/unit/test_link_layer \
	tests/unit/test_mermaid \
	tests/unit/test_names \
	tests/unit/test_nat \
	tests/unit/test_nat_random \
	tests/unit/test_nat_word \
	tests/unit/test_odds \
	tests/unit/test_passive \
	tests/unit/test_deadline_pool \
	tests/unit/test_packet_file \
	tests/unit/test_pcapng \
	tests/unit/test_pick_server \
	tests/unit/test_reassembly \
	tests/unit/test_time_line \
	tests/unit/test_packet_copies \
	tests/unit/test_capture_reader \
	tests/unit/test_port \
	tests/unit/test_port_pattern \
	tests/unit/test_classify \
	tests/unit/test_classify_judge \
	tests/unit/test_classify_rules \
	tests/unit/test_prospect \
	tests/unit/test_punch \
	tests/unit/test_punch_judge \
	tests/unit/test_qualify \
	tests/unit/test_live \
	tests/unit/test_loop \
	tests/unit/test_lru_set \
	tests/unit/test_recognize \
	tests/unit/test_rejected_lines \
	tests/unit/test_replay \
	tests/unit/test_responder \
	tests/unit/test_sandbox \
	tests/unit/test_send_queue \
	tests/unit/test_sequence \
	tests/unit/test_server \
	tests/unit/test_server_auth \
	tests/unit/test_server_relay \
	tests/unit/test_teredo_flows \
	tests/unit/test_captured_packet_report \
	tests/unit/test_svg \
	tests/unit/test_teredo \
	tests/unit/test_teredo_addr \
	tests/unit/test_teredo_auth \
	tests/unit/test_teredo_make \
	tests/unit/test_teredo_trailer \
	tests/unit/test_trace \
	tests/unit/test_udp \
	tests/unit/test_waiting \
	tests/unit/test_watch \
	tests/unit/test_words
SCENARIO_TESTS = \
	tests/scenario/test_check_matrix \
	tests/scenario/test_classify_matrix \
	tests/scenario/test_evidence \
	tests/scenario/test_forged \
	tests/scenario/test_lifetime \
	tests/scenario/test_passive_matrix \
	tests/scenario/test_passive_stories \
	tests/scenario/test_prospects \
	tests/scenario/test_punch_matrix \
	tests/scenario/test_punch_pairs \
	tests/scenario/test_punch_stories \
	tests/scenario/test_qualify_matrix
TEST_SUPPORT = \
	tests/scenario/passive_rig.c \
	tests/scenario/passive_rig.h \
	tests/scenario/pair.c \
	tests/scenario/pair.h \
	tests/scenario/story.h \
	tests/scenario/world.c \
	tests/scenario/world.h \
	tests/fuzz/fuzz.h \
	tests/fuzz/rig.h \
	tests/unit/chart_fixture.h \
	tests/unit/engine_fixture.h \
	tests/unit/hex.h \
	tests/unit/own_network.h \
	tests/unit/samples.h \
	tests/unit/server_fixture.h \
	tests/unit/tap.h

# Programs that the tests run, each of the source of the same name.
TEST_HELPERS = \
	tests/bench/many_servers \
	tests/cli/fault.so \
	tests/pcap/craft \
	tests/schema/skeleton

# Scripts. `make check CHECK_REAL=` leaves the tests out that need root and miredo.
CLI_TESTS = \
	tests/cli/addr.bats \
	tests/cli/bubble-decode.bats \
	tests/cli/bubble.bats \
	tests/cli/check.bats \
	tests/cli/classify.bats \
	tests/cli/completions.bats \
	tests/cli/decode-tshark.bats \
	tests/cli/decode.bats \
	tests/cli/exit.bats \
	tests/cli/jsonl.bats \
	tests/cli/flood.bats \
	tests/cli/hostile.bats \
	tests/cli/install.bats \
	tests/cli/listen.bats \
	tests/cli/main.bats \
	tests/cli/man.bats \
	tests/cli/metrics.bats \
	tests/cli/names.bats \
	tests/cli/faults.bats \
	tests/cli/forged.bats \
	tests/cli/odd-servers.bats \
	tests/cli/qualify-list.bats \
	tests/cli/qualify.bats \
	tests/cli/output.bats \
	tests/cli/rounds.bats \
	tests/cli/sandbox.bats \
	tests/cli/serve.bats \
	tests/cli/trace-read.bats \
	tests/cli/trace.bats \
	tests/cli/tsv.bats \
	tests/cli/whole.bats \
	tests/cases/captures.bats
LAB_TESTS = \
	tests/cases/live.bats \
	tests/lab/bubble.bats \
	tests/lab/check.bats \
	tests/lab/classify.bats \
	tests/lab/docs.bats \
	tests/lab/lab.bats \
	tests/lab/trace-captures.bats \
	tests/lab/trace-read.bats
REAL_TESTS = \
	tests/real/bubble.bats \
	tests/real/capture.bats \
	tests/real/check.bats \
	tests/real/classify.bats \
	tests/real/docs.bats \
	tests/real/failure.bats \
	tests/real/listen.bats \
	tests/real/punch.bats \
	tests/real/qualify.bats \
	tests/real/serve-miredo.bats \
	tests/real/serve.bats \
	tests/real/trace-read.bats
SCHEMA_TESTS = \
	tests/schema/schema.bats
# What all the others print as JSON against the schema: after them.
OUTPUT_TESTS = \
	tests/schema/outputs.bats
# The same programs once more, with LONG=1: thousands of seeds instead of some (`make check-long`).
LONG_TESTS = \
	tests/scenario/test_check_matrix \
	tests/scenario/test_classify_matrix \
	tests/scenario/test_evidence \
	tests/scenario/test_forged \
	tests/scenario/test_passive_matrix \
	tests/scenario/test_prospects \
	tests/scenario/test_punch_matrix \
	tests/scenario/test_punch_pairs
# Of the command line, what tells whether a program that was built or installed elsewhere works.
SMOKE_TESTS = \
	tests/cli/addr.bats \
	tests/cli/flood.bats \
	tests/cli/hostile.bats \
	tests/cli/install.bats \
	tests/cli/main.bats \
	tests/cli/trace.bats
# Run by targets of their own, not by `make check`.
DEB_TESTS = \
	tests/package/deb.bats
BENCHMARKS = \
	tests/bench/classify.sh \
	tests/bench/decode.sh \
	tests/bench/punch.sh \
	tests/bench/qualify.sh \
	tests/bench/serve.sh
# What they run besides: programs, each of the source of the same name.
BENCH_HELPERS = \
	tests/bench/make_capture \
	tests/bench/read_capture \
	tests/bench/rs_load
# Fuzz targets, each of the source of the same name: an input to tests/fuzz/fuzz_NAME.c has its seeds
# in tests/fuzz/corpus/NAME.
FUZZ_TARGETS = \
	tests/fuzz/fuzz_addr \
	tests/fuzz/fuzz_capture \
	tests/fuzz/fuzz_nat \
	tests/fuzz/fuzz_passive \
	tests/fuzz/fuzz_pcapng \
	tests/fuzz/fuzz_classify \
	tests/fuzz/fuzz_punch \
	tests/fuzz/fuzz_responder \
	tests/fuzz/fuzz_server \
	tests/fuzz/fuzz_teredo
# What the tests read: captures, golden outputs, helpers that they source.
TEST_FIXTURES = \
	tests/fuzz/make_corpus.sh \
	tests/fuzz/run.sh \
	tests/bench/miredo_time.bash \
	tests/cli/lib.bash \
	tests/cases/TABLE \
	tests/cases/peer.py \
	tests/cli/families.py \
	tests/cli/faults.py \
	tests/cli/forge_icmp.py \
	tests/cli/odd_server.py \
	tests/cli/random_bubbles.bash \
	tests/mutate/mutate.py \
	tests/mutate/survivors \
	tests/docs/blocks.py \
	tests/docs/messages.py \
	tests/docs/recipes.bash \
	tests/pcap/LIST \
	tests/pcap/golden.sh \
	tests/pcap/kinds-cut.out \
	tests/pcap/kinds-json.out \
	tests/pcap/kinds-jsonl.out \
	tests/pcap/kinds-summary-json.out \
	tests/pcap/kinds-summary.out \
	tests/pcap/kinds-tree.out \
	tests/pcap/kinds.frames \
	tests/pcap/kinds.out \
	tests/pcap/others-tunnels.out \
	tests/pcap/others.frames \
	tests/pcap/others.out \
	tests/pcap/problems-jsonl.out \
	tests/pcap/problems-summary-js.out \
	tests/pcap/problems-summary.out \
	tests/pcap/problems-tree.out \
	tests/pcap/problems.frames \
	tests/pcap/problems.out \
	tests/pcap/tunnels-closed.out \
	tests/pcap/tunnels.frames \
	tests/pcap/tunnels.out \
	tests/real/internet.bash \
	tests/isolate.bash \
	tests/odd_server.py \
	tests/resolver.py \
	tests/schema/skeleton.py \
	tests/schema/lib.bash \
	tests/schema/recorder \
	tests/schema/validate.py \
	tests/wait.bash
