#include "cursor.h"
#include "hex.h"
#include "tap.h"

static void test_reading(void)
{
    const uint8_t data[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a};
    struct reader r = reader_of(data, sizeof data);
    uint8_t out[2];

    is_int(reader_u8(&r), 0x01, "a byte is read as it is");
    is_int(reader_u16(&r), 0x0203, "16 bits are read in network byte order");
    is_int(reader_u32(&r), 0x04050607, "32 bits are read in network byte order");
    reader_copy(&r, out, sizeof out);
    is_mem(out, data + 7, sizeof out, "a copy holds the next bytes");
    is_int((int64_t)reader_left(&r), 1, "what is left is what was not read");
    ok(reader_take(&r, 1) == data + 9, "a taken block is borrowed, not copied");
    is_int((int64_t)reader_left(&r), 0, "nothing is left at the end");
    ok(!r.failed, "reading up to the end is no failure");
    ok(reader_take(&r, 0) != NULL && !r.failed, "taking nothing at the end is no failure");
}

static void test_reading_too_far(void)
{
    for (size_t size = 0; size < 4; size++) {
        uint8_t *data = exact_copy("\xff\xff\xff\xff", size);
        struct reader r = reader_of(data, size);

        is_int(reader_u32(&r), 0, "32 bits of %zu bytes read as zero", size);
        ok(r.failed, "32 bits of %zu bytes are a failure", size);
        is_int((int64_t)r.offset, 0, "the offset stays at the access that failed");
        is_int(reader_u8(&r), 0, "a failure is sticky: a later read that would fit gives zero");
        is_int((int64_t)reader_left(&r), 0, "after a failure nothing is left");
        free(data);
    }
}

static void test_copy_too_far(void)
{
    struct reader r = reader_of("abc", 3);
    uint8_t out[4] = {1, 2, 3, 4};
    const uint8_t zeros[4] = {0};

    reader_copy(&r, out, sizeof out);
    is_mem(out, zeros, sizeof out, "a copy that does not fit gives zeros");
    ok(reader_take(&r, 1) == NULL, "after a failure no block is handed out");
    r = reader_of("abc", 3);
    reader_u8(&r);
    ok(reader_take(&r, SIZE_MAX) == NULL, "a size that would overflow the offset is refused");
}

static void test_writing(void)
{
    uint8_t buf[16];
    const uint8_t want[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 'a', 'b', 0, 0, 0};
    struct writer w = writer_of(buf, sizeof buf);

    writer_u8(&w, 0x01);
    writer_u16(&w, 0x0203);
    writer_u32(&w, 0x04050607);
    writer_bytes(&w, "ab", 2);
    writer_zeros(&w, 3);
    is_int((int64_t)w.size, sizeof want, "the size counts what was written");
    is_mem(buf, want, sizeof want, "integers are written in network byte order");
    writer_patch_u16(&w, 1, 0xbeef);
    ok(buf[1] == 0xbe && buf[2] == 0xef && w.size == sizeof want,
       "a patch overwrites two bytes in place");
    writer_bytes(&w, NULL, 0);
    ok(!w.failed, "writing nothing is no failure");
}

static void test_writing_too_far(void)
{
    uint8_t *buf = exact_copy("......", 6);
    struct writer w = writer_of(buf, 6);

    writer_u32(&w, 0);
    writer_u32(&w, 0x01020304);
    ok(w.failed, "an integer that does not fit is a failure");
    is_mem(buf + 4, "..", 2, "and nothing of it is written");
    writer_u8(&w, 1);
    is_int((int64_t)w.size, 4, "a failure is sticky: a later write that would fit does nothing");
    w = writer_of(buf, 6);
    writer_u16(&w, 0);
    writer_patch_u16(&w, 1, 0xffff);
    ok(w.failed && buf[1] == 0, "a patch beyond what was written is refused");
    w = writer_of(buf, 6);
    writer_bytes(&w, buf, SIZE_MAX);
    ok(w.failed && w.size == 0, "a size that would overflow the cursor is refused");
    free(buf);
}

int main(void)
{
    test_reading();
    test_reading_too_far();
    test_copy_too_far();
    test_writing();
    test_writing_too_far();
    return done_testing();
}
