/* SPDX-License-Identifier: Apache-2.0 */
/* The program husk-init (src/bin/husk-init.c), stripped, as read-only data. HUSK_INIT_IMAGE is its path; the build says it. */
	.section .rodata.runtime_init_image, "a", %progbits
	.global runtime_init_image, runtime_init_image_end
	.hidden runtime_init_image, runtime_init_image_end
	.balign 16
runtime_init_image:
	.incbin HUSK_INIT_IMAGE
runtime_init_image_end:
	.section .note.GNU-stack, "", %progbits
