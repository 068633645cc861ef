"""Analysis of stored rates: takes a store or a frame of ticks and returns frames whose values carry rounding bands."""
