export default {
  test: {
    include: ["*.test.mjs"],
    testTimeout: 30_000,
    // Its cases of expiry sleep up to half a second before a stream expires: on a machine that is busy they come too late.
    retry: 2,
    cache: false,
  },
};
