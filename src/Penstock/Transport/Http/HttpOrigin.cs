namespace Penstock.Transport.Http;

/// <summary>Whom a connection leads to.</summary>
internal readonly record struct HttpOrigin(bool IsTls, string Host, int Port)
{
    public static HttpOrigin Of(Uri address) => new(address.Scheme == Uri.UriSchemeHttps, address.IdnHost, address.Port);
}
