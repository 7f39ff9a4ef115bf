using System.Net.Http;

namespace Penstock.Transport.Http;

/// <summary>What can be wrong with a reply, in the framework's kinds. No message quotes what the peer sent.</summary>
internal static class HttpFailure
{
    public static HttpIOException Invalid(string what) => new(HttpRequestError.InvalidResponse, what);

    public static HttpIOException Ended() => new(HttpRequestError.ResponseEnded, "The connection was closed before the reply was complete.");

    public static HttpIOException TooLong(int limit) => new(HttpRequestError.ConfigurationLimitExceeded, $"The head of the reply is longer than {limit} bytes.");

    /// <summary>As a failure of the request: nothing of the reply was given to anybody yet.</summary>
    public static HttpRequestException OfRequest(Exception cause) => new(
        cause is HttpIOException http ? http.HttpRequestError : HttpRequestError.Unknown, "The request could not be sent, or its reply not be read.", cause);
}
