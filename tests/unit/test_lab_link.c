/* src/lab/link.c, link_words.c and delay_queue.c: the fate of packets, and their order. */
#include <stdlib.h>
#include <sysexits.h>

#include "delay_queue.h"
#include "link.h"
#include "prng.h"
#include "tap.h"

enum {
    PACKETS = 20000
};

static struct link link_of(struct link_config config, uint64_t seed, enum lab_host host,
                           enum link_direction direction)
{
    struct link link;

    link_init(&link, &config, seed, host, direction);
    return link;
}

static bool same_fate(const struct link *a, const struct link *b, uint64_t n)
{
    struct link_fate x = link_fate(a, n), y = link_fate(b, n);

    return x.lost == y.lost && x.duplicated == y.duplicated && x.reordered == y.reordered &&
           x.delay == y.delay && x.copy_delay == y.copy_delay;
}

static unsigned same_fates(const struct link *a, const struct link *b)
{
    unsigned same = 0;

    for (uint64_t n = 0; n < PACKETS; n++)
        same += same_fate(a, b, n);
    return same;
}

static void test_determinism(void)
{
    const struct link_config c = {
        .delay = 20 * NSEC_MS, .jitter = 5 * NSEC_MS, .loss = 0.1, .duplicate = 0.1};
    struct link one = link_of(c, 1, LAB_A, LINK_OUT), again = link_of(c, 1, LAB_A, LINK_OUT);
    struct link seed = link_of(c, 2, LAB_A, LINK_OUT), in = link_of(c, 1, LAB_A, LINK_IN);
    struct link other = link_of(c, 1, LAB_B, LINK_OUT);
    struct link_config lossier = c;
    struct link changed;
    nsec due, copy_due;

    again.count = 12345;
    is_int(same_fates(&one, &again), PACKETS,
           "the same seed gives packet n of a direction the same fate, whatever came before");
    ok(same_fates(&one, &seed) < 10, "another seed gives other fates");
    ok(same_fates(&one, &in) < 10, "the two directions of a link have their own fates");
    ok(same_fates(&one, &other) < 10, "two links have their own fates");
    lossier.loss = 0.5;
    changed = link_of(lossier, 1, LAB_A, LINK_OUT);
    ok(link_fate(&changed, 7).delay == link_fate(&one, 7).delay,
       "another probability of loss leaves the delays as they were");
    link_enter(&one, 0, &due, &copy_due);
    link_enter(&one, 0, &due, &copy_due);
    is_int(one.count, 2, "a packet that enters takes the next fate");
}

static void test_rates(void)
{
    struct link link = link_of((struct link_config){.delay = 20 * NSEC_MS,
                                                    .jitter = 5 * NSEC_MS,
                                                    .loss = 0.2,
                                                    .duplicate = 0.1,
                                                    .reorder = 0.3},
                               3, LAB_S1, LINK_IN);
    unsigned lost = 0, duplicated = 0, reordered = 0, outside = 0;
    nsec lowest = NSEC_NEVER, highest = 0;

    for (uint64_t n = 0; n < PACKETS; n++) {
        struct link_fate f = link_fate(&link, n);

        lost += f.lost;
        duplicated += f.duplicated;
        reordered += f.reordered;
        if (f.reordered)
            continue;
        lowest = nsec_min(lowest, f.delay);
        highest = nsec_max(highest, f.delay);
        outside += f.delay < 15 * NSEC_MS || f.delay > 25 * NSEC_MS;
    }
    ok(lost > PACKETS * 19 / 100 && lost < PACKETS * 21 / 100, "20 %% loss loses 20 %%: %u of %d",
       lost, PACKETS);
    ok(duplicated > PACKETS * 9 / 100 && duplicated < PACKETS * 11 / 100,
       "10 %% duplicates: %u of %d", duplicated, PACKETS);
    ok(reordered > PACKETS * 29 / 100 && reordered < PACKETS * 31 / 100,
       "30 %% are held back: %u of %d", reordered, PACKETS);
    is_int(outside, 0, "jitter keeps within its bounds");
    ok(lowest < 15100 * NSEC_US && highest > 24900 * NSEC_US, "jitter uses its whole range");
    link =
        link_of((struct link_config){.delay = NSEC_MS, .jitter = 9 * NSEC_MS}, 1, LAB_A, LINK_IN);
    for (uint64_t n = 0; n < 1000; n++)
        outside += link_fate(&link, n).delay < 0;
    is_int(outside, 0, "no delay is negative, however large the jitter");
}

static void test_order(void)
{
    struct link link = link_of((struct link_config){.delay = 20 * NSEC_MS, .jitter = 19 * NSEC_MS},
                               5, LAB_A, LINK_OUT);
    nsec due, copy_due, last = 0;
    unsigned overtaken = 0;

    for (int i = 0; i < 1000; i++) {
        link_enter(&link, i * NSEC_MS, &due, &copy_due);
        overtaken += due < last;
        last = due;
    }
    is_int(overtaken, 0, "jitter alone reorders nothing");

    link = link_of((struct link_config){.delay = 20 * NSEC_MS, .reorder = 0.1}, 5, LAB_A, LINK_OUT);
    last = 0;
    for (int i = 0; i < 1000; i++) {
        link_enter(&link, i * NSEC_MS, &due, &copy_due);
        overtaken += due < last;
        last = nsec_max(last, due);
    }
    ok(overtaken > 50, "reordering lets later packets pass: %u of 1000", overtaken);

    link = link_of((struct link_config){0}, 5, LAB_A, LINK_OUT);
    link_enter(&link, 42, &due, &copy_due);
    is_int(due, 42, "a perfect link takes no time");
}

static void test_words(void)
{
    struct link_config links[LAB_HOSTS] = {0};
    struct error error = {0};

    ok(link_config_parse(links, "delay", "25ms", &error) == 0 &&
           links[LAB_A].delay == 25 * NSEC_MS && links[LAB_S2].delay == 25 * NSEC_MS,
       "a delay alone is that of every link");
    ok(link_config_parse(links, "delay", "a=1.5ms,s2=250us", &error) == 0 &&
           links[LAB_A].delay == 1500 * NSEC_US && links[LAB_S2].delay == 250 * NSEC_US &&
           links[LAB_B].delay == 25 * NSEC_MS,
       "a list sets the links that it names");
    ok(link_config_parse(links, "delay", "10ms,b=2s", &error) == 0 &&
           links[LAB_B].delay == 2 * NSEC_S && links[LAB_A].delay == 10 * NSEC_MS,
       "a value for all may be followed by exceptions");
    ok(link_config_parse(links, "jitter", "0", &error) == 0, "no jitter needs no unit");
    ok(link_config_parse(links, "loss", "5%", &error) == 0 && links[LAB_A].loss == 0.05,
       "loss in per cent");
    ok(link_config_parse(links, "loss", "0.25", &error) == 0 && links[LAB_A].loss == 0.25,
       "loss as a fraction");
    ok(link_config_parse(links, "duplicate", "b=100%", &error) == 0 &&
           links[LAB_B].duplicate == 1 && links[LAB_A].duplicate == 0,
       "duplicates of one link");
    ok(link_config_parse(links, "reorder", "1", &error) == 0 && links[LAB_S1].reorder == 1,
       "everything is reordered");
}

static void refuses(const char *property, const char *text, const char *what)
{
    struct link_config links[LAB_HOSTS] = {{.delay = 7}};
    struct error error = {0};

    is_int(link_config_parse(links, property, text, &error), -1, "%s \"%s\" is refused", property,
           text);
    ok(error.status == EX_USAGE && links[LAB_A].delay == 7,
       "as a usage error, and the links are untouched");
    is_str(error.what, what, "with the reason");
}

static void test_wrong_words(void)
{
    refuses("delay", "25", "\"25\" is not a value of a link's delay");
    refuses("delay", "a=1ms,x=2ms", "\"x\" is not a link of the lab");
    refuses("delay", "a=1ms,", "\"\" is not a value of a link's delay");
    refuses("delay", "-1ms", "\"-1ms\" is not a value of a link's delay");
    refuses("delay", "1e3ms", "\"1e3ms\" is not a value of a link's delay");
    refuses("delay", "1.2.3ms", "\"1.2.3ms\" is not a value of a link's delay");
    refuses("delay", "61s", "\"61s\" is not a value of a link's delay");
    refuses("loss", "101%", "\"101%\" is not a value of a link's loss");
    refuses("loss", "nan", "\"nan\" is not a value of a link's loss");
    refuses("loss", "5ms", "\"5ms\" is not a value of a link's loss");
    refuses("speed", "5ms", "\"speed\" is not a property of a link");
}

static void test_delay_queue(void)
{
    struct delay_queue f;
    struct prng p = {9};
    struct packet packet = {.size = 4}, *out;
    nsec last_due = -1;
    uint64_t last_id = 0;
    unsigned wrong = 0;

    delay_queue_init(&f, 1000);
    is_int(delay_queue_next(&f), NSEC_NEVER, "with nothing under way nothing is ever due");
    for (uint64_t i = 1; i <= 1000; i++) {
        packet.id = i;
        packet.data[3] = (uint8_t)i;
        wrong += !delay_queue_add(&f, prng_below(&p, 100), &packet);
    }
    is_int(wrong, 0, "packets are added up to the limit");
    ok(!delay_queue_add(&f, 1, &packet), "no packet is added beyond the limit");
    ok(delay_queue_take(&f, delay_queue_next(&f) - 1) == NULL,
       "no packet is taken before it is due");
    for (unsigned i = 0; i < 1000; i++) {
        out = delay_queue_take(&f, 100);
        if (out == NULL)
            abort();
        wrong += out->due.when < last_due || (out->due.when == last_due && out->id < last_id);
        wrong += out->data[3] != (uint8_t)out->id || out->size != 4;
        last_due = out->due.when;
        last_id = out->id;
        free(out);
    }
    is_int(wrong, 0, "packets come in the order of their times, then of their adding");
    ok(delay_queue_take(&f, NSEC_NEVER) == NULL, "then none is left");
    delay_queue_add(&f, 5, &packet);
    delay_queue_clear(&f);
    is_int(delay_queue_next(&f), NSEC_NEVER, "clearing frees what is under way");
}

int main(void)
{
    test_determinism();
    test_rates();
    test_order();
    test_words();
    test_wrong_words();
    test_delay_queue();
    return done_testing();
}
