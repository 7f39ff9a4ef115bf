using Penstock.Generations.Filters;
using Penstock.Providers;

namespace Penstock.Generations.Tools;

/// <summary>What all answers with tools have in common.</summary>
internal sealed record ToolSettings(ToolOptions Options, RetryOptions Retry, IReadOnlyList<OutputFilter> Filters, Approvals Approvals);
