using Penstock.Protocols;

namespace Penstock.Generations.Tools;

/// <summary>The tools that the model of one answer is offered and the server runs.</summary>
internal sealed class ToolSet
{
    private readonly Dictionary<string, OfferedTool> _byName = new(StringComparer.Ordinal);
    private readonly List<Tool> _offered = [];

    /// <summary>As the model is told of them.</summary>
    public IReadOnlyList<Tool> Offered => _offered;

    public bool NeedsApproval => _byName.Values.Any(t => t.NeedsApproval);

    /// <summary>Adds a tool, under its own name or, where that is taken, under one with its server's label before it.</summary>
    /// <param name="tool">The tool.</param>
    /// <param name="asked">How the client has asked for its server; null where it has not.</param>
    /// <param name="taken">The names of the client's own tools, which go before.</param>
    public void Add(ServerTool tool, ToolServer? asked, IReadOnlySet<string> taken)
    {
        var needsApproval = tool.NeedsApproval || asked?.Approval.Any(name => name == "*" || name == tool.Name) is true;
        foreach (var name in (string[])[Clean(tool.Name), Clean($"{tool.Server}_{tool.Name}")])
        {
            if (taken.Contains(name) || !_byName.TryAdd(name, new OfferedTool(tool, needsApproval, asked?.AsksClient is true))) continue;
            _offered.Add(new Tool(name, tool.Description, tool.Parameters));
            return;
        }
    }

    public OfferedTool? Find(string? name) => name is not null ? _byName.GetValueOrDefault(name) : null;

    // What every provider takes.
    private static string Clean(string name)
    {
        var clean = string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' ? c : '_'));
        return clean.Length <= 64 ? clean : clean[..64];
    }
}

/// <summary>A tool as one request is offered it.</summary>
/// <param name="Tool">The tool.</param>
/// <param name="NeedsApproval">Whether a person must allow each call.</param>
/// <param name="AsksClient">Whether that person is the client, in its next request.</param>
internal sealed record OfferedTool(ServerTool Tool, bool NeedsApproval, bool AsksClient);
