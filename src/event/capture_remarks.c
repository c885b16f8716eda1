#include "capture_remarks.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "foreign.h"

static const struct field cut_fields[] = {
    {KEY("frames"), FIELD_COUNT, AT(struct capture_remarks, cut)},
    {KEY("shortest"), FIELD_COUNT, AT(struct capture_remarks, cut_least)},
    {KEY("longest"), FIELD_COUNT, AT(struct capture_remarks, cut_most)},
};

static const struct record_type cut_record = RECORD_TYPE("cut_frames", cut_fields);

static const struct field unread_fields[] = {
    {KEY("link_type"), FIELD_CHARS, AT(struct unread_link, name)},
    {KEY("frames"), FIELD_COUNT, AT(struct unread_link, frames)},
};

static const struct record_type unread_record = RECORD_TYPE("unread_link", unread_fields);

static const struct wording kinds[] = {
    [CLOCK_SET_BACK] = {.code = "set_back", .text = "was set back"},
    [CLOCK_SET_FORWARD] = {.code = "set_forward", .text = "was set forward"},
    [CLOCK_BEHIND] = {.code = "behind", .text = "is behind another interface's"},
};

static const struct words step_kinds = WORDS("clock_step_kind", kinds);

static const struct field step_fields[] = {
    {KEY("file"), FIELD_FOREIGN, AT(struct clock_step, file), .flags = FIELD_ZERO_IS_NULL},
    {KEY("kind"), FIELD_CODE, AT(struct clock_step, kind), .words = &step_kinds},
    {KEY("frame"), FIELD_COUNT, AT(struct clock_step, frame)},
    {KEY("by_s"), FIELD_DURATION, AT(struct clock_step, by)},
    {KEY("count"), FIELD_COUNT, AT(struct clock_step, count)},
};

static const struct record_type step_record = RECORD_TYPE("clock_step", step_fields);

static size_t count_unread(const void *record)
{
    return ((const struct capture_remarks *)record)->unread_count;
}

static const void *unread_item(const void *record, size_t i, union field_room *room)
{
    (void)room;
    return &((const struct capture_remarks *)record)->unread[i];
}

static size_t count_steps(const void *record)
{
    return ((const struct capture_remarks *)record)->step_count;
}

static const void *step_item(const void *record, size_t i, union field_room *room)
{
    (void)room;
    return &((const struct capture_remarks *)record)->steps[i];
}

RECORD_TEST(has_cut, struct capture_remarks, r->cut > 0)

static const struct field remarks_fields[] = {
    {KEY("copies"), FIELD_COUNT, AT(struct capture_remarks, copies)},
    {KEY("reassembled"), FIELD_COUNT, AT(struct capture_remarks, reassembled)},
    {KEY("without_teredo_address"), FIELD_COUNT, AT(struct capture_remarks, without_address)},
    {KEY("cut"), FIELD_RECORD, .known = has_cut, .record = &cut_record},
    {KEY("unread"), FIELD_LIST, .record = &unread_record, .count = count_unread,
     .item = unread_item},
    {KEY("clock_steps"), FIELD_LIST, .record = &step_record, .count = count_steps,
     .item = step_item},
};

const struct record_type capture_remarks_record = RECORD_TYPE("capture_remarks", remarks_fields);

struct lines {
    struct capture_remark *out;
    unsigned count;
};

__attribute__((format(printf, 3, 4))) static void add(struct lines *lines, const char *label,
                                                      const char *format, ...)
{
    struct capture_remark *remark = &lines->out[lines->count++];
    va_list args;

    remark->label = label;
    remark->doubt = false;
    va_start(args, format);
    vsnprintf(remark->text, sizeof remark->text, format, args);
    va_end(args);
    foreign_clean_text(remark->text);
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static void add_cut(struct lines *lines, const struct capture_remarks *r)
{
    const char *are = r->cut == 1 ? "is" : "are";

    if (r->cut == 0)
        return;
    if (r->cut_least == r->cut_most)
        add(lines, "cut", "%" PRIu64 " frame%s %s cut too short to tell, at %zu bytes", r->cut,
            plural(r->cut), are, r->cut_most);
    else
        add(lines, "cut", "%" PRIu64 " frame%s %s cut too short to tell, at %zu to %zu bytes",
            r->cut, plural(r->cut), are, r->cut_least, r->cut_most);
}

static void add_step(struct lines *lines, const struct clock_step *s)
{
    bool forward = s->kind == CLOCK_SET_FORWARD;
    char times[40] = "";

    if (s->count > 1)
        snprintf(times, sizeof times, ", and %" PRIu64 " time%s more", s->count - 1,
                 plural(s->count - 1));
    add(lines, "clock", "the clock of %.100s %s by %.6f s at frame %" PRIu64 "%s%s",
        s->file == NULL ? "the interface" : s->file, text_of(&step_kinds, s->kind),
        nsec_seconds(s->by), s->frame, times,
        forward ? ", or an answer came so late" : ": the order of the capture is kept");
}

unsigned capture_remarks_lines(const struct capture_remarks *r,
                               struct capture_remark out[static CAPTURE_REMARK_LINES])
{
    struct lines lines = {.out = out};

    add_cut(&lines, r);
    for (unsigned i = 0; i < r->unread_count; i++)
        add(&lines, "unread", "%" PRIu64 " frame%s of the link type %s cannot be read",
            r->unread[i].frames, plural(r->unread[i].frames), r->unread[i].name);
    for (unsigned i = 0; i < r->step_count; i++)
        add_step(&lines, &r->steps[i]);
    for (unsigned i = 0; i < lines.count; i++)
        out[i].doubt = true;
    if (r->without_address > 0)
        add(&lines, "not Teredo",
            "%" PRIu64 " IPv6 packet%s in UDP port 3544 without a Teredo address",
            r->without_address, plural(r->without_address));
    if (r->copies > 0)
        add(&lines, "copies", "%" PRIu64 " cop%s of packets that were there a moment before",
            r->copies, r->copies == 1 ? "y" : "ies");
    if (r->reassembled > 0)
        add(&lines, "fragments", "%" PRIu64 " packet%s came in fragments", r->reassembled,
            plural(r->reassembled));
    return lines.count;
}
