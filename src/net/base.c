/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base.nft as a string: the build turns its lines into literals.
 */
#include "net/internal.h"

const char net_base_rules[] =
#include "net/base_nft.h"
	;
