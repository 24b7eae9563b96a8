/* Prints, as constants in the assembly, what src/lib.rs asserts; works without running foreign code:
 *   arm-linux-gnueabihf-gcc -S -o - sizes.c | grep -A1 '_of_'
 */
#include <stddef.h>
#include <linux/videodev2.h>
#define SIZE(name) const unsigned size_of_##name = sizeof(struct name)
#define OFFSET(name, field) const unsigned offset_of_##name##_##field = offsetof(struct name, field)
SIZE(v4l2_buffer);
SIZE(v4l2_capability);
SIZE(v4l2_ext_control);
SIZE(v4l2_ext_controls);
SIZE(v4l2_fmtdesc);
SIZE(v4l2_format);
SIZE(v4l2_frmivalenum);
SIZE(v4l2_frmsizeenum);
SIZE(v4l2_query_ext_ctrl);
SIZE(v4l2_querymenu);
SIZE(v4l2_requestbuffers);
SIZE(v4l2_streamparm);
OFFSET(v4l2_buffer, timestamp);
OFFSET(v4l2_buffer, sequence);
OFFSET(v4l2_buffer, m);
OFFSET(v4l2_buffer, length);
OFFSET(v4l2_ext_controls, controls);
OFFSET(v4l2_format, fmt);
OFFSET(v4l2_pix_format, xfer_func);
