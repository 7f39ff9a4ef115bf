// The page and the server share an origin here, so there is no CORS to set.
export default { server: { proxy: { '/v1': process.env.PENSTOCK_SERVER ?? 'http://localhost:8000' } } };
