namespace Penstock.Generations.Tools;

/// <summary>Where tools come from that this server runs: code that registers some, or a server of the Model Context Protocol.</summary>
public interface IToolSource
{
    /// <summary>The label by which clients ask for its tools.</summary>
    string Label { get; }

    /// <summary>The models whose every request is offered its tools, as clients name them; <c>*</c> for all. Others are offered them where they ask.</summary>
    IReadOnlyList<string> Models { get; }

    /// <summary>The tools, as they are now.</summary>
    /// <exception cref="ToolException">They cannot be had at the moment.</exception>
    ValueTask<IReadOnlyList<ServerTool>> ListAsync(CancellationToken cancellationToken = default);
}

/// <summary>Tools that code registers.</summary>
/// <param name="label">The label by which clients ask for them.</param>
/// <param name="tools">The tools.</param>
public sealed class ToolList(string label, IReadOnlyList<ServerTool> tools) : IToolSource
{
    public string Label => label;

    public IReadOnlyList<string> Models { get; init; } = ["*"];

    public ValueTask<IReadOnlyList<ServerTool>> ListAsync(CancellationToken cancellationToken = default) => ValueTask.FromResult(tools);
}
