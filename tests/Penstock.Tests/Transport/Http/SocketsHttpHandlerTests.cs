using System.Net.Http;
using System.Net.Security;

namespace Penstock.Tests.Transport.Http;

/// <summary>The framework's handler, by which ours is measured.</summary>
public sealed class SocketsHttpHandlerTests : HttpHandlerCompliance
{
    protected override HttpMessageHandler NewHandler(bool trustAll = true) => new SocketsHttpHandler
    {
        UseCookies = false,
        AllowAutoRedirect = false,
        UseProxy = false,
        ActivityHeadersPropagator = null,
        SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = trustAll ? (_, _, _, _) => true : null },
    };
}
