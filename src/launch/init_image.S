/* SPDX-License-Identifier: Apache-2.0 */
/* The program husk-init (src/bin/husk-init.c), stripped, as read-only data. The build sets
 * HUSK_INIT_IMAGE to its path. */
	.section .rodata.launch_init_image, "a", %progbits
	.global launch_init_image, launch_init_image_end
	.hidden launch_init_image, launch_init_image_end
	.balign 16
launch_init_image:
	.incbin HUSK_INIT_IMAGE
launch_init_image_end:
	.section .note.GNU-stack, "", %progbits
