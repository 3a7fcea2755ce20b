using Diffusion.Evaluation;

namespace Diffusion.Pipelines;

/// <summary>What a round of a reflow came to. Plain numbers.</summary>
/// <param name="Round">0 for the flow that was given, else after how many reflows.</param>
/// <param name="Geometry">Straightness and transport cost of its paths.</param>
public readonly record struct ReflowRound(int Round, FlowGeometry Geometry);
