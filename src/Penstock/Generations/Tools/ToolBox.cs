using Microsoft.Extensions.Logging;
using Penstock.Protocols;

namespace Penstock.Generations.Tools;

/// <summary>All tools that this server runs, and who is offered which.</summary>
internal sealed class ToolBox(IEnumerable<IToolSource> sources, ILogger<ToolBox> logger)
{
    private static readonly IReadOnlySet<string> _none = new HashSet<string>();

    private readonly IToolSource[] _sources = [.. sources];

    /// <summary>Checks what a request asks for, and what it may be offered, without asking any server.</summary>
    /// <returns>Whether it is offered any.</returns>
    /// <exception cref="RequestException">It names a server that there is not, wants several answers, or decides on a call of tools that it is not offered.</exception>
    public bool Check(GenerationRequest request)
    {
        foreach (var asked in request.ToolServers)
        {
            if (Find(asked.Label) is null)
            {
                throw new RequestException($"'{asked.Path}' names the tools of '{asked.Label}', which is no server of the configuration here. {Known()} An address is never fetched.")
                {
                    Param = asked.Path,
                    Code = "unknown_tool_server",
                };
            }

            // Each answer would take a way of its own.
            if (request.Choices > 1) throw new RequestException($"'{asked.Path}' names tools that the server runs, which it does for one answer: leave the number of answers out.") { Param = asked.Path };
        }

        foreach (var decision in request.Decided)
        {
            if (request.ToolServers.Any(s => s.Label == decision.Server) || (Find(decision.Server) is { } source && IsFor(source, request.Model))) continue;
            throw new RequestException($"'{decision.Path}' answers for a tool of '{decision.Server}', whose tools this request is not offered: name it in 'tools' as the request before did.")
            {
                Param = decision.Path,
                Code = "tool_server_missing",
            };
        }

        return request.ToolServers.Count > 0 || (request.Choices == 1 && _sources.Any(s => IsFor(s, request.Model)));
    }

    /// <summary>Whether a request is offered no tools, as most are where there are none.</summary>
    public bool OffersNone(GenerationRequest request) => _sources.Length == 0 && request.ToolServers.Count == 0 && request.Decided.Count == 0;

    /// <summary>The tools that a request is offered; null for none.</summary>
    /// <exception cref="RequestException">As <see cref="Check"/>; or a server whose tools it asks for cannot be reached.</exception>
    public async ValueTask<ToolSet?> OpenAsync(GenerationRequest request)
    {
        if (!Check(request)) return null;
        var taken = request.Tools.Count == 0 ? _none : request.Tools.Select(t => t.Name).ToHashSet(StringComparer.Ordinal);
        var set = new ToolSet();
        foreach (var source in _sources)
        {
            var asked = request.ToolServers.FirstOrDefault(s => s.Label == source.Label);
            if (asked is null && !IsFor(source, request.Model)) continue;
            try
            {
                foreach (var tool in await source.ListAsync())
                {
                    if (asked?.Tools is not { } wanted || wanted.Contains(tool.Name, StringComparer.Ordinal)) set.Add(tool, asked, taken);
                }
            }
            catch (ToolException e) when (asked is null)
            {
                ToolLog.NotOffered(logger, source.Label, e.Message);
            }
            catch (ToolException e)
            {
                throw new RequestException(e.Message) { Status = 503, Code = "tools_unavailable", Param = asked!.Path, RetryAfter = TimeSpan.FromSeconds(5) };
            }
        }

        return set.Offered.Count > 0 ? set : null;
    }

    private static bool IsFor(IToolSource source, string? model) =>
        source.Models.Contains("*", StringComparer.Ordinal) || (model is not null && source.Models.Contains(model, StringComparer.OrdinalIgnoreCase));

    private IToolSource? Find(string label) => Array.Find(_sources, s => s.Label == label);

    private string Known() => _sources.Length == 0 ? "It has none." : $"It has {string.Join(", ", _sources.Select(s => s.Label).Order(StringComparer.Ordinal))}.";
}
