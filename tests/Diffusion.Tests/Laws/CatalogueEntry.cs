using System.Runtime.CompilerServices;

namespace Diffusion.Tests.Laws;

/// <summary>A sampler, and what the laws may expect of it. What is null is not claimed.</summary>
/// <param name="Name">What test reports call it.</param>
/// <param name="Make">The sampler for a run of a number of steps; most do not care.</param>
/// <param name="Code">How it is made, as the list says it.</param>
internal sealed record CatalogueEntry(string Name, Func<int, Sampler> Make, [CallerArgumentExpression(nameof(Make))] string Code = "")
{
    public CatalogueEntry(string name, Sampler sampler, [CallerArgumentExpression(nameof(sampler))] string code = "") : this(name, _ => sampler, code)
    {
    }

    /// <summary>Without noise: the order in which its error falls against the exact flow.</summary>
    public double? Flow { get; init; }

    /// <summary>The same on a Gaussian, where it differs: some methods happen to be better there.</summary>
    public double? FlowOnGaussian { get; init; }

    /// <summary>With noise: the order in which the error of its distribution falls.</summary>
    public double? Weak { get; init; }

    /// <summary>Whether <see cref="Weak"/> takes noise of one Brownian path; else it holds with noise drawn afresh.</summary>
    public bool WeakNeedsPath { get; init; }

    /// <summary>With noise: the order in which the error of its path falls, for one Brownian path.</summary>
    public double? Strong { get; init; }

    /// <summary>Which path it converges to, as the η of the ancestral sampler: the noise of a short step is η times that of the reverse equation.</summary>
    public double Eta { get; init; } = 1;

    /// <summary>Where its noise is no constant η: the entry whose finest steps show the path that it converges to.</summary>
    public string? LimitOf { get; init; }

    /// <summary>Whether it solves the linear part exactly, so that the mean of a Gaussian is exact at any number of steps.</summary>
    public bool ExactMean { get; init; } = true;

    /// <summary>The spacing that its orders hold on.</summary>
    public Spacing Spacing { get; init; } = Spacing.Karras;

    /// <summary>The fewest steps from which its orders show.</summary>
    public int Steps { get; init; } = 64;

    /// <summary>Why that is more than 64; no other spacing that was tried makes it less.</summary>
    public string? Late { get; init; }

    /// <summary>Whether it is affine in the state and in the noise on Gaussian data: its moments are then known exactly.</summary>
    public bool Affine { get; init; } = true;

    /// <summary>Whether it can start from pure noise, α = 0.</summary>
    public bool FromPureNoise { get; init; } = true;

    /// <summary>Whether it depends on more of the schedule than σ/α at the levels: on its clock or on the data's factor. Otherwise every schedule gives the same samples.</summary>
    public bool DependsOnSchedule { get; init; }

    /// <summary>
    /// The tensors that a step forms at the fewest, each as the number of tensors (states, estimates, noises) that its formula sums in it: what its own work is
    /// measured against. Read off the formula, once all earlier estimates are there.
    /// </summary>
    public IReadOnlyList<int> Sums { get; init; } = [2];

    /// <summary>Whether it chooses its steps itself, so that their number is not that of the grid.</summary>
    public bool OwnSteps { get; init; }
}
