using System.Globalization;
using System.Net;
using System.Text;

namespace Penstock.Server.Tests.Durability;

/// <summary>Appends numbered items to a stream one after another, and sends what it got no answer to again.</summary>
internal sealed class AppendingProducer(HttpClient http, string path, int id)
{
    private bool _isInDoubt; // the next one was sent, and no answer came

    public string Path => path;

    public int Id => id;

    /// <summary>How many appends the server has acknowledged, which is the number of the next one.</summary>
    public long Acknowledged { get; private set; }

    public long Retried { get; private set; }

    /// <summary>How many had been stored when they were sent again.</summary>
    public long Duplicates { get; private set; }

    /// <summary>Appends until the server has gone.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            while (!stop.IsCancellationRequested) await AppendAsync();
        }
        catch (HttpRequestException)
        {
            // Killed.
        }
    }

    /// <summary>Sends the append in doubt again.</summary>
    public async Task SettleAsync()
    {
        if (_isInDoubt) await AppendAsync();
    }

    private async Task AppendAsync()
    {
        if (_isInDoubt) Retried++;
        var isRetry = _isInDoubt;
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(string.Create(CultureInfo.InvariantCulture, $$"""{"p":{{id}},"n":{{Acknowledged}}}"""), Encoding.UTF8, "application/json"),
        };
        request.Headers.Add("Producer-Id", $"p{id}");
        request.Headers.Add("Producer-Epoch", "0");
        request.Headers.Add("Producer-Seq", Acknowledged.ToString(CultureInfo.InvariantCulture));
        _isInDoubt = true;
        using var reply = await http.SendAsync(request);
        if (reply.StatusCode == HttpStatusCode.NoContent && isRetry) Duplicates++;
        else if (reply.StatusCode != HttpStatusCode.OK) throw new InvalidOperationException($"{path}, producer {id}, {Acknowledged}: {reply.StatusCode} {await reply.Content.ReadAsStringAsync()}");
        _isInDoubt = false;
        Acknowledged++;
    }
}
