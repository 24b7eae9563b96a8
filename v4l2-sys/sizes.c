/* Prints, as constants in the assembly, what src/lib.rs asserts; works without running foreign code:
 *   arm-linux-gnueabihf-gcc -S -o - sizes.c | grep -A1 size_of
 */
#include <linux/videodev2.h>
#define SIZE(name) const unsigned size_of_##name = sizeof(struct name)
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
