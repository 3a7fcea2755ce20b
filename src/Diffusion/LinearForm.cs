using System.Collections;

namespace Diffusion;

/// <summary>
/// c₁·T₁ + c₂·T₂ + … of tensors with factors on the host, written as a collection: <c>new LinearForm { { a, x }, { b, x0 } }</c>. Nothing is computed until
/// <see cref="Evaluate"/>, and a tensor that enters twice is read once, so that a formula can be written as in its paper and still costs as few
/// passes as it can. Borrows its tensors.
/// </summary>
internal sealed class LinearForm : IEnumerable
{
    private readonly List<(double Factor, Tensor Tensor)> _terms = new(4);

    /// <summary>
    /// The noise in a state: ε̂ where the estimate carries it, else (x − αx̂₀)/σ. The state may itself be a form, so that a state that was
    /// combined inside a step is not read again.
    /// </summary>
    public static LinearForm Noise(Estimate estimate, LinearForm x, NoiseLevel level) => estimate.Noise is { } noise
        ? new LinearForm { { 1, noise } }
        : new LinearForm { { 1 / level.Sigma, x }, { -level.Alpha / level.Sigma, estimate.Data } };

    /// <inheritdoc cref="Noise(Estimate, LinearForm, NoiseLevel)"/>
    public static LinearForm Noise(Estimate estimate, Tensor x, NoiseLevel level) => Noise(estimate, new LinearForm { { 1, x } }, level);

    /// <summary>Adds factor·tensor. A factor of 0 adds nothing, whatever the tensor holds.</summary>
    public void Add(double factor, Tensor tensor)
    {
        if (factor == 0) return;
        for (var i = 0; i < _terms.Count; i++)
        {
            if (!ReferenceEquals(_terms[i].Tensor, tensor)) continue;
            _terms[i] = (_terms[i].Factor + factor, tensor);
            return;
        }

        _terms.Add((factor, tensor));
    }

    /// <summary>Adds factor·form.</summary>
    public void Add(double factor, LinearForm form)
    {
        foreach (var (inner, tensor) in form._terms) Add(factor * inner, tensor);
    }

    /// <summary>The sum as a fresh tensor, in one pass a term.</summary>
    public Tensor Evaluate()
    {
        if (_terms.Count == 0) throw new InvalidOperationException("A sum of no tensors has no shape.");
        var (factor, first) = _terms[0];
        if (_terms.Count == 1) return factor == 1 ? first.alias() : first.mul(factor);
        var sum = factor == 1 ? first.add(_terms[1].Tensor, alpha: _terms[1].Factor) : first.mul(factor).add_(_terms[1].Tensor, alpha: _terms[1].Factor);
        for (var i = 2; i < _terms.Count; i++) sum = sum.add_(_terms[i].Tensor, alpha: _terms[i].Factor);
        return sum;
    }

    IEnumerator IEnumerable.GetEnumerator() => _terms.GetEnumerator();
}
