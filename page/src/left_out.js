// Stands in for parts of hyparquet that no column of the store needs: filters, Bloom filters, ALP, variants, geometries.

const leftOut = () => {
  throw new Error("this file needs a part of hyparquet that the page leaves out");
};
export const alpDecode = leftOut;
export const decodeVariantColumn = leftOut;
export const readBloomFilter = leftOut;
export const wkbToGeojson = leftOut;
export const matchFilter = leftOut;
export const filterPageRanges = leftOut;
/** Nothing is ever filtered. */
export const canSkipRowGroup = () => false;
const none = () => [];
export const bloomEligibleColumns = none;
export const columnsNeededForFilter = none;
export const pathsNeededForFilter = none;
